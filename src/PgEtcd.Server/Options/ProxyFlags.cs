using System.Net;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Proxies;

namespace PgEtcd.Server.Options;

/// <summary>Reads --proxy-protocol-from.</summary>
internal static class ProxyFlags
{
    private const string Unix = "unix";
    private const int BitsPerByte = 8;

    /// <returns>Null if there are no proxies.</returns>
    /// <exception cref="FlagException">An item is not a network.</exception>
    public static TrustedProxies? Read(FlagValues values)
    {
        Flag flag = Flags.ProxyProtocolFrom;
        string[] items = values.List(flag);
        return items.Length == 0 ? null
            : new TrustedProxies([.. items.Where(item => item != Unix).Select(Network)], items.Contains(Unix));

        IPNetwork Network(string item) =>
            IPNetwork.TryParse(item, out IPNetwork network) ? network
            : IPAddress.TryParse(item, out IPAddress? address)
                ? new IPNetwork(address, BitsPerByte * address.GetAddressBytes().Length)
            : throw values.Wrong(flag, "a list of networks such as 10.0.0.0/8, addresses or unix", item);
    }
}
