using Xunit;

namespace PgEtcd.Frontend.Tests;

/// <summary>Tests of how much work is done in a time: they run when no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
