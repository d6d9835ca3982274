using System.Runtime.CompilerServices;
using Grpc.Core;

namespace PgEtcd.Protocol;

/// <summary>
/// etcd's errors that this server returns, with the exact code and text, as clients recognise errors by their text.
/// Used as <c>throw EtcdErrors.Compacted.ToException()</c> or, without the cost of a throw, as
/// <c>EtcdErrors.Compacted.Status</c>.
/// </summary>
public static class EtcdErrors
{
    // Keys and transactions.
    public static EtcdError EmptyKey { get; } = Error(StatusCode.InvalidArgument, "etcdserver: key is not provided");
    /// <summary>Also for a transaction with an unset operation.</summary>
    public static EtcdError KeyNotFound { get; } = Error(StatusCode.InvalidArgument, "etcdserver: key not found");
    public static EtcdError ValueProvided { get; } = Error(StatusCode.InvalidArgument, "etcdserver: value is provided");
    public static EtcdError LeaseProvided { get; } = Error(StatusCode.InvalidArgument, "etcdserver: lease is provided");
    public static EtcdError TooManyOps { get; } = Error(StatusCode.InvalidArgument, "etcdserver: too many operations in txn request");
    public static EtcdError DuplicateKey { get; } = Error(StatusCode.InvalidArgument, "etcdserver: duplicate key given in txn request");
    public static EtcdError InvalidSortOption { get; } = Error(StatusCode.InvalidArgument, "etcdserver: invalid sort option");
    /// <summary>Also the reason of a watch refused for a negative start revision.</summary>
    public static EtcdError Compacted { get; } = Error(StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");
    public static EtcdError FutureRev { get; } = Error(StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");
    public static EtcdError NoSpace { get; } = Error(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");
    /// <summary>A write larger than --max-request-bytes.</summary>
    public static EtcdError RequestTooLarge { get; } = Error(StatusCode.InvalidArgument, "etcdserver: request is too large");

    // Leases and watches.
    /// <summary>Not for keep-alive (TTL 0) and time-to-live (TTL -1).</summary>
    public static EtcdError LeaseNotFound { get; } = Error(StatusCode.NotFound, "etcdserver: requested lease not found");
    public static EtcdError LeaseExist { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: lease already exists");
    public static EtcdError LeaseTTLTooLarge { get; } = Error(StatusCode.OutOfRange, "etcdserver: too large lease TTL");
    public static EtcdError WatchCanceled { get; } = Error(StatusCode.Cancelled, "etcdserver: watch canceled");

    // Members.
    public static EtcdError MemberBadURLs { get; } = Error(StatusCode.InvalidArgument, "etcdserver: given member URLs are invalid");
    public static EtcdError MemberNotFound { get; } = Error(StatusCode.NotFound, "etcdserver: member not found");
    public static EtcdError MemberNotLearner { get; } = Error(
        StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member");
    public static EtcdError BadLeaderTransferee { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: bad leader transferee");

    // Users, roles, tokens.
    public static EtcdError RootUserNotExist { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: root user does not exist");
    public static EtcdError RootRoleNotExist { get; } = Error(
        StatusCode.FailedPrecondition, "etcdserver: root user does not have root role");
    public static EtcdError UserAlreadyExist { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: user name already exists");
    /// <summary>Also for a request without credentials while authentication is on.</summary>
    public static EtcdError UserEmpty { get; } = Error(StatusCode.InvalidArgument, "etcdserver: user name is empty");
    public static EtcdError UserNotFound { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: user name not found");
    public static EtcdError RoleAlreadyExist { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: role name already exists");
    public static EtcdError RoleNotFound { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: role name not found");
    public static EtcdError RoleEmpty { get; } = Error(StatusCode.InvalidArgument, "etcdserver: role name is empty");
    public static EtcdError AuthFailed { get; } = Error(
        StatusCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password");
    public static EtcdError PermissionNotGiven { get; } = Error(StatusCode.InvalidArgument, "etcdserver: permission not given");
    public static EtcdError PermissionDenied { get; } = Error(StatusCode.PermissionDenied, "etcdserver: permission denied");
    public static EtcdError RoleNotGranted { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: role is not granted to the user");
    public static EtcdError PermissionNotGranted { get; } = Error(
        StatusCode.FailedPrecondition, "etcdserver: permission is not granted to the role");
    public static EtcdError AuthNotEnabled { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: authentication is not enabled");
    public static EtcdError InvalidAuthToken { get; } = Error(StatusCode.Unauthenticated, "etcdserver: invalid auth token");
    public static EtcdError InvalidAuthMgmt { get; } = Error(StatusCode.InvalidArgument, "etcdserver: invalid auth management");
    /// <summary>The token is older than the last change of users, roles or permissions.</summary>
    public static EtcdError AuthOldRevision { get; } = Error(StatusCode.InvalidArgument, "etcdserver: revision of auth store is old");

    // The state of the cluster.
    public static EtcdError NoLeader { get; } = Error(StatusCode.Unavailable, "etcdserver: no leader");
    public static EtcdError NotLeader { get; } = Error(StatusCode.FailedPrecondition, "etcdserver: not leader");
    public static EtcdError Stopped { get; } = Error(StatusCode.Unavailable, "etcdserver: server stopped");
    public static EtcdError Timeout { get; } = Error(StatusCode.Unavailable, "etcdserver: request timed out");
    public static EtcdError Corrupt { get; } = Error(StatusCode.DataLoss, "etcdserver: corrupt cluster");

    // Downgrade.
    public static EtcdError WrongDowngradeVersionFormat { get; } = Error(
        StatusCode.InvalidArgument, "etcdserver: wrong downgrade target version format");
    public static EtcdError InvalidDowngradeTargetVersion { get; } = Error(
        StatusCode.InvalidArgument, "etcdserver: invalid downgrade target version");
    public static EtcdError DowngradeInProcess { get; } = Error(
        StatusCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress");

    // Sent as Unknown: etcd has a code for the first, but loses it when sending it.
    public static EtcdError RequestTooManyRequests { get; } = Error(StatusCode.Unknown, "etcdserver: too many requests");
    public static EtcdError PasswordForNoPasswordUser { get; } = Error(
        StatusCode.Unknown, "auth: authentication failed, password was given for no password user");
    public static EtcdError VerifyOnlyKey { get; } = Error(StatusCode.Unknown, "auth: token signing attempted with verify-only key");
    public static EtcdError PasswordTooLong { get; } = Error(StatusCode.Unknown, "bcrypt: password length exceeds 72 bytes");
    public static EtcdError TransferTimeout { get; } = Error(
        StatusCode.Unknown, "etcdserver: request timed out, leader transfer took too long");
    public static EtcdError UnknownMethod { get; } = Error(StatusCode.Unknown, "etcdserver: unknown method");
    public static EtcdError ElectionNotLeader { get; } = Error(StatusCode.Unknown, "election: not leader");
    public static EtcdError ElectionNoLeader { get; } = Error(StatusCode.Unknown, "election: no leader");
    public static EtcdError ElectionLeaderMissing { get; } = Error(StatusCode.Unknown, "\"leader\" field must be provided");
    public static EtcdError LostWatcher { get; } = Error(StatusCode.Unknown, "lost watcher waiting for delete");
    public static EtcdError SessionExpired { get; } = Error(StatusCode.Unknown, "mutex: session is expired");

    // Refused by RangeStream (3.7).
    public static EtcdError RangeStreamSorted { get; } = Error(StatusCode.Unimplemented, "RangeStream does not support custom sort orders");
    public static EtcdError RangeStreamFiltered { get; } = Error(StatusCode.Unimplemented, "RangeStream does not support revision filters");

    /// <summary>
    /// An error as v3lock and v3election forward it: they are clients of the server themselves, and forward
    /// every error as Unknown.
    /// </summary>
    public static Status SeenByRecipe(Status told) => new(StatusCode.Unknown, told.Detail);

    private static EtcdError Error(StatusCode code, string message, [CallerMemberName] string name = "") =>
        new(name, new Status(code, message));
}
