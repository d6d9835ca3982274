namespace PgEtcd.Testing;

/// <summary>A server under test logged a warning or an error that the test did not expect.</summary>
public sealed class UnexpectedLogException(IReadOnlyList<string> lines) : Exception(
    "The server logged warnings or errors that the test did not expect. A test that provokes them declares them with PgEtcdServer.Expect:\n"
    + string.Join('\n', lines.Take(20)));
