namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>One server for all tests of a class, with a plain HTTP client.</summary>
public class OneGateway : OneServer
{
    /// <summary>As the class's fixture.</summary>
    public OneGateway()
    {
    }

    /// <summary>For fixtures whose server has flags.</summary>
    protected OneGateway(string[] flags)
        : base(flags)
    {
    }

    internal GatewayServer Gateway { get; private set; } = null!;

    public override async Task DisposeAsync()
    {
        Gateway.Http.Dispose();
        await base.DisposeAsync();
    }

    protected override Task PrepareAsync()
    {
        Gateway = GatewayServer.Of(Server);
        return Task.CompletedTask;
    }
}
