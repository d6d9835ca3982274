namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Three frontends of one store, auth switched on: each test has users of its own.</summary>
public sealed class ThreeFrontends() : SeveralFrontends(["first", "second", "third"], "--bcrypt-cost", "4")
{
    protected override async Task PrepareAsync()
    {
        await using AuthClient client = new(Servers[0]);
        await client.EnableAsync();
    }
}
