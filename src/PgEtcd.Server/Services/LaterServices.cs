using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Server.Services;

// Mapped from the start, so that clients are told Unimplemented by name and not that the service is unknown.

internal sealed class AuthService : Auth.AuthBase;
