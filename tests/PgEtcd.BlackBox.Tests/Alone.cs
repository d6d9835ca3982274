using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Tests that measure times or rates and run while no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
