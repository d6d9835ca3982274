using System.Text;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Auth;
using PgEtcd.Protocol;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Auth;

/// <summary>A write is decided by the users, roles and permissions at the time of its append.</summary>
public sealed class AuthRevisionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly WriteAnswer Moved = new(EtcdErrors.AuthOldRevision, null, WriteRetry.AuthMoved);

    [Fact]
    [Trait("issue", "etcd#14571")]
    public async Task A_write_admitted_before_a_change_elsewhere_is_not_made()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await EnableAsync(there);
        await here.Tail.CatchUpAsync();
        Caller joe = new(here.Auth.Current, "joe", long.MaxValue);
        (await WriteAsync(here, joe)).Error.ShouldBeNull();

        // This frontend is told nothing of it, and finds out when it appends.
        await ChangeAsync(there, AuthEdit.RevokeRole("joe", "writer"));
        here.Auth.Current.User("joe")!.Record.Roles.ShouldBe(["writer"]);
        (await WriteAsync(here, joe)).ShouldBe(Moved);

        here.Replica.State.AuthRevision.ShouldBe(there.Auth.Current.Revision);
        (await WriteAsync(here, new Caller(here.Auth.Current, "joe", long.MaxValue))).Error.ShouldBe(EtcdErrors.PermissionDenied);
        (await here.StoredAsync()).ShouldBe(["a=x 2/2.0 v1"]);
    }

    [Fact]
    public async Task A_refusal_is_no_older_than_the_last_change_either()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await EnableAsync(there);
        await ChangeAsync(there, AuthEdit.RevokeRole("joe", "writer"));
        await here.Tail.CatchUpAsync();
        Caller joe = new(here.Auth.Current, "joe", long.MaxValue);

        await ChangeAsync(there, AuthEdit.GrantRole("joe", "writer"));
        (await WriteAsync(here, joe)).ShouldBe(Moved); // and not that permission is denied
        (await WriteAsync(here, new Caller(here.Auth.Current, "joe", long.MaxValue))).Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_write_from_before_auth_was_switched_on_is_not_made_and_a_job_of_the_server_is()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        Caller anybody = here.Auth.Current.Anybody;
        (await WriteAsync(here, anybody)).Error.ShouldBeNull();
        await EnableAsync(there);

        (await WriteAsync(here, anybody)).ShouldBe(Moved);
        (await WriteAsync(here, here.Auth.Current.Anybody)).Error.ShouldBe(EtcdErrors.UserEmpty);
        (await WriteAsync(here, Caller.Server)).Error.ShouldBeNull();
    }

    [Fact]
    public async Task Writes_of_one_batch_are_decided_independently()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await EnableAsync(here);
        Caller joe = new(here.Auth.Current, "joe", long.MaxValue);
        Caller root = new(here.Auth.Current, "root", long.MaxValue);
        await WriteAsync(here, root);
        Task<WriteAnswer>[] writes = [.. Enumerable.Range(0, 60).Select(i => (i % 3) switch
        {
            0 => WriteAsync(here, joe, $"a{i}"),
            1 => WriteAsync(here, joe, $"z{i}"),
            _ => WriteAsync(here, here.Auth.Current.Anybody, $"a{i}"),
        })];

        WriteAnswer[] answers = await Task.WhenAll(writes);

        for (int i = 0; i < answers.Length; i++)
        {
            answers[i].Error.ShouldBe((i % 3) switch { 0 => null, 1 => EtcdErrors.PermissionDenied, _ => EtcdErrors.UserEmpty });
        }

        (await here.StoredAsync()).Length.ShouldBe(21);
        (await here.QueryAsync<string>("select username from pgetcd.revisions group by username order by count(*) desc"))
            .ShouldBe(["joe", "root"]);
    }

    private static Task<WriteAnswer> WriteAsync(StoreParts parts, Caller caller, string key = "a") =>
        parts.Writer.WriteAsync(Put(key, "x"), 1, new Origin(caller, "client")).WaitAsync(Patience);

    /// <summary>Root, and joe who may write from a to b.</summary>
    private static async Task EnableAsync(StoreParts parts)
    {
        await ChangeAsync(
            parts,
            AuthEdit.AddUser("root", [], hasNoPassword: true),
            AuthEdit.GrantRole("root", "root"),
            AuthEdit.AddUser("joe", [], hasNoPassword: true),
            AuthEdit.AddRole("writer"),
            AuthEdit.GrantPermission("writer", new PermissionRecord(1, Encoding.ASCII.GetBytes("a"), Encoding.ASCII.GetBytes("b"))),
            AuthEdit.GrantRole("joe", "writer"),
            AuthEdit.Enable());
    }

    private static async Task ChangeAsync(StoreParts parts, params AuthEdit[] edits)
    {
        long revision = parts.Auth.Current.Revision;
        foreach (AuthEdit edit in edits)
        {
            AuthChange change = new(revision++, edit) { Frontend = "test" };
            (await new AuthTable(parts.Database).ChangeAsync(change, CancellationToken.None)).ShouldBeTrue();
        }

        await parts.Tail.CatchUpAsync().WaitAsync(Patience);
    }
}
