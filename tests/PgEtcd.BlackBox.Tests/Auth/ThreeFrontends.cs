namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Three frontends of one store with auth on; each test has its own users.</summary>
public sealed class ThreeFrontends() : SeveralFrontends(["first", "second", "third"], "--bcrypt-cost", "4")
{
    protected override async Task PrepareAsync()
    {
        await using AuthClient client = new(Servers[0]);
        await client.EnableAsync();
    }
}
