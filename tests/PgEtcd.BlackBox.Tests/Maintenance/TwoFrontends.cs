namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>Two frontends of one store; each test leaves them as it found them.</summary>
public sealed class TwoFrontends() : SeveralFrontends(["first", "second"])
{
    internal Kv One => Clients[0];

    internal Kv Two => Clients[1];
}
