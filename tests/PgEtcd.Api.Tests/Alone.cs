using Xunit;

namespace PgEtcd.Api.Tests;

/// <summary>Tests that count what the whole process does and run while no others do.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
