using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Frontend.Auth;

/// <summary>The costs of the users' hashes. They differ from --bcrypt-cost when that has changed or users were imported.</summary>
internal sealed class UserCosts(AuthState state)
{
    private const double Names = ulong.MaxValue;

    private readonly int[] _sorted =
        [.. state.Users.Values.Select(static user => Passwords.CostOf(user.Record.Password)).OfType<int>().Order()];

    /// <summary>The state that the costs were read from.</summary>
    public AuthState State => state;

    /// <summary>The cost of a login under a name without a hash; null if no user has a hash. Costs are distributed among such names as
    /// among the users, and a name has the same cost on every frontend, so an unusual cost reveals nothing.</summary>
    public int? Like(string name)
    {
        if (_sorted.Length == 0)
        {
            return null;
        }

        double place = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))) / Names;
        return _sorted[Math.Min((int)(place * _sorted.Length), _sorted.Length - 1)];
    }
}
