using Xunit;

namespace PgEtcd.Frontend.Tests;

/// <summary>Tests that measure rates and run while no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
