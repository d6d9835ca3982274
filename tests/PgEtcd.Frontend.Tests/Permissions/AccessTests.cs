using System.Text;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Permissions;

/// <summary>The walk over a request: joe may read a to c and write b to d.</summary>
public sealed class AccessTests
{
    private const int Read = 0;
    private const int Write = 1;
    private const int LeaseOfB = 1;
    private const int LeaseOfA = 2;

    private static readonly AuthState State = new(new AuthRecords
    {
        Revision = 7,
        ShownRevision = 5,
        IsEnabled = true,
        Users =
        [
            new UserRecord("root", [], HasNoPassword: false, ["root"]),
            new UserRecord("joe", [], HasNoPassword: false, ["joe", "missing"]),
            new UserRecord("ann", [], HasNoPassword: false, []),
        ],
        Roles = [new RoleRecord("joe", [new PermissionRecord(Read, Key("a"), Key("c")), new PermissionRecord(Write, Key("b"), Key("d"))])],
    });

    private static readonly Caller Joe = new(State, "joe", long.MaxValue);

    public static TheoryData<string, Operation, bool> Requests => new()
    {
        { "range", Range("a", "c"), true },
        { "range beyond", Range("a", "c\0"), false },
        { "range from", Range("a", "\0"), false },
        { "put", Put("c"), true },
        { "put of what one may only read", Put("a"), false },
        { "put, prev_kv", Put("b", prevKv: true), true },
        { "put, prev_kv of what one may not read", Put("c", prevKv: true), false },
        { "put with a lease whose keys one may write", Put("c", lease: LeaseOfB), true },
        { "put with a lease that has another key", Put("c", lease: LeaseOfA), false },
        { "put with a lease without keys", Put("c", lease: 99), true },
        { "delete", Delete("b", "d"), true },
        { "delete beyond", Delete("a", "d"), false },
        { "delete, prev_kv of what one may not read", Delete("b", "d", prevKv: true), false },
        { "delete, prev_kv", Delete("b", "c", prevKv: true), true },
        { "revoke", new RevokeLeaseOperation { Lease = LeaseOfB }, true },
        { "revoke of a lease that has another key", new RevokeLeaseOperation { Lease = LeaseOfA }, false },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_is_checked_alone(string what, Operation operation, bool isPermitted) =>
        Check(Joe, operation).ShouldBe(isPermitted ? null : EtcdErrors.PermissionDenied, what);

    [Theory]
    [MemberData(nameof(Requests))]
    [Trait("advisory", "CVE-2026-33343")]
    [Trait("issue", "etcd PR 21681, 21685")]
    public void A_request_is_checked_the_same_within_transactions_at_any_depth_and_in_both_branches(
        string what, Operation operation, bool isPermitted)
    {
        if (operation is RevokeLeaseOperation)
        {
            return; // no part of a transaction
        }

        EtcdError? expected = isPermitted ? null : EtcdErrors.PermissionDenied;
        Operation harmless = Range("a");
        Check(Joe, Txn([harmless, operation], [])).ShouldBe(expected, what);
        Check(Joe, Txn([], [operation])).ShouldBe(expected, what);
        Check(Joe, Txn([Txn([], [Txn([operation], [harmless])])], [])).ShouldBe(expected, what);
        Check(Joe, Txn([harmless], [Txn([], []), Txn([operation], [])])).ShouldBe(expected, what);
    }

    [Fact]
    [Trait("advisory", "CVE-2026-33343")]
    public void A_compare_reads_at_any_depth()
    {
        TxnOperation beyond = new() { Compares = [new Compare { Key = Key("a"), RangeEnd = Key("d") }] };
        Check(Joe, beyond).ShouldBe(EtcdErrors.PermissionDenied);
        Check(Joe, Txn([], [Txn([beyond], [])])).ShouldBe(EtcdErrors.PermissionDenied);
        Check(Joe, new TxnOperation { Compares = [new Compare { Key = Key("a"), RangeEnd = Key("c") }] }).ShouldBeNull();
    }

    [Fact]
    public void Without_a_token_only_an_empty_transaction_is_permitted()
    {
        foreach ((string what, Operation operation) in Requests.Select(row => ((string)row[0], (Operation)row[1])))
        {
            Check(State.Anybody, operation).ShouldBe(EtcdErrors.UserEmpty, what);
        }

        Check(State.Anybody, Txn([Txn([], [])], [])).ShouldBeNull();
        State.Anybody.CheckUser().ShouldBe(EtcdErrors.UserEmpty);
        State.Anybody.CheckRoot().ShouldBe(EtcdErrors.UserEmpty);
    }

    [Fact]
    public void Root_may_do_everything_and_the_role_of_another_name_nothing()
    {
        Caller root = new(State, "root", long.MaxValue);
        Check(root, Delete("\0", "\0", prevKv: true)).ShouldBeNull();
        root.CheckRoot().ShouldBeNull();
        Joe.CheckRoot().ShouldBe(EtcdErrors.PermissionDenied);
        Check(new Caller(State, "ann", long.MaxValue), Range("a")).ShouldBe(EtcdErrors.PermissionDenied);
        Caller gone = new(State, "gone", long.MaxValue);
        gone.CheckRoot().ShouldBe(EtcdErrors.UserNotFound);
        gone.CheckUser().ShouldBe(EtcdErrors.UserNotFound); // fault C14
        Check(gone, Range("a")).ShouldBe(EtcdErrors.PermissionDenied);
    }

    [Fact]
    public void An_older_token_gives_no_access_to_keys()
    {
        Check(new Caller(State, "joe", 5), Range("a")).ShouldBeNull();
        Check(new Caller(State, "joe", 4), Range("a")).ShouldBe(EtcdErrors.AuthOldRevision);
        Check(new Caller(State, "root", 4), Range("a")).ShouldBe(EtcdErrors.AuthOldRevision);
    }

    [Fact]
    public void While_auth_is_off_and_for_the_server_itself_nothing_is_checked()
    {
        AuthState off = new(State.Records with { IsEnabled = false });
        foreach (Caller caller in (Caller[])[off.Anybody, new Caller(off, "joe", 1), Caller.Server])
        {
            Check(caller, Delete("\0", "\0", prevKv: true)).ShouldBeNull();
            caller.CheckRoot().ShouldBeNull();
            caller.CheckUser().ShouldBeNull();
        }
    }

    private static EtcdError? Check(Caller caller, Operation operation) => Access.Check(
        caller, operation, lease => lease switch { LeaseOfB => [Key("b")], LeaseOfA => [Key("b"), Key("a")], _ => [] });

    private static RangeOperation Range(string key, string end = "") => new() { Key = Key(key), RangeEnd = Key(end) };

    private static PutOperation Put(string key, bool prevKv = false, long lease = 0) =>
        new() { Key = Key(key), PrevKv = prevKv, Lease = lease };

    private static DeleteRangeOperation Delete(string key, string end, bool prevKv = false) =>
        new() { Key = Key(key), RangeEnd = Key(end), PrevKv = prevKv };

    private static TxnOperation Txn(Operation[] success, Operation[] failure) => new() { Success = success, Failure = failure };

    private static byte[] Key(string text) => Encoding.ASCII.GetBytes(text);
}
