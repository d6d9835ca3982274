using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Tests of how long something takes, or how much is done in a time: they run when no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
