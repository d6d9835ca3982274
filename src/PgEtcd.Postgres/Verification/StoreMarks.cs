using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Verification;

/// <summary>The state of the store beside its rows.</summary>
/// <param name="Revision">The store's revision.</param>
/// <param name="LastRow">The revision of the last row; 0: there is none.</param>
/// <param name="BaseRevision">The store's least revision, whatever rows there are.</param>
/// <param name="CompactRevision">The compaction mark; -1 if never compacted.</param>
/// <param name="KeptRevision">All changes above it are in the log or in the archive.</param>
public sealed record StoreMarks(long Revision, long LastRow, long BaseRevision, long CompactRevision, long KeptRevision)
{
    // The sequence is not part of a snapshot: it shows the current value, so it may be ahead of the snapshot's log.
    private const string Sql = """
        select (select count(*) from pgetcd.cluster), (select count(*) from pgetcd.removal), (select count(*) from pgetcd.leader),
            coalesce((select max(r.revision) from pgetcd.revisions r), 0), s.last_value,
            c.base_revision, c.compact_revision, c.auth_revision, c.term, c.alarms::integer,
            (select coalesce(bit_or(pgetcd.alarm_bit(a.kind)), 0)::integer from pgetcd.alarms a),
            m.finished_revision, m.attended_revision, m.walked_revision, m.kept_revision,
            (select max(n.compact_revision) from pgetcd.compactions n),
            (select count(*) from pgetcd.leases l where l.id = 0 or l.ttl <= 0),
            (select max(a.auth_revision) from pgetcd.auth_audit a),
            (select count(*) from pgetcd.auth_users u where u.tokens_since > c.auth_revision)
                + (select count(*) from pgetcd.auth_tokens t where t.made_at_auth > c.auth_revision),
            c.auth_enabled and not exists (select from pgetcd.auth_user_roles r where r.username = 'root' and r.role = 'root')
        from pgetcd.revision_seq s left join pgetcd.cluster c on true left join pgetcd.removal m on true limit 1
        """;

    /// <summary>Reads and checks the marks.</summary>
    internal static async Task<StoreMarks> ReadAsync(
        Snapshot snapshot, Findings findings, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = snapshot.Command(Sql).WithoutLimit();
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        foreach ((int column, string table) in new[] { (0, "cluster"), (1, "removal"), (2, "leader") })
        {
            Expect(reader.GetInt64(column) == 1, $"The table {table} has {reader.GetInt64(column)} rows, not one.");
        }

        long last = reader.GetInt64(3);
        long floor = Number(5, 1);
        StoreMarks marks = new(Math.Max(last, floor), last, floor, Number(6, -1), Number(14, 0));

        // A row that was written after the revision's last jump has drawn its number from the sequence; before that none has.
        if (last > floor && reader.GetInt64(4) < last)
        {
            findings.Add(Invariant.Sequence, $"The sequence revision_seq is at {reader.GetInt64(4)}, the last revision is {last}.");
        }

        Expect(floor >= 1, $"base_revision is {floor}, below 1.");
        Expect(marks.CompactRevision >= -1 && marks.CompactRevision <= marks.Revision,
            $"compact_revision is {marks.CompactRevision}, which is not between -1 and the revision {marks.Revision}.");
        Expect(Number(7, 1) >= 1, $"auth_revision is {Number(7, 1)}, below 1.");
        Expect(Number(8, 0) >= 0, $"term is {Number(8, 0)}, below 0.");
        int alarms = reader.IsDBNull(9) ? 0 : reader.GetInt32(9);
        Expect(alarms == reader.GetInt32(10), $"cluster.alarms is {alarms}, the table of alarms makes {reader.GetInt32(10)}.");
        foreach ((int column, string name) in new[] { (11, "finished"), (12, "attended"), (13, "walked"), (14, "kept") })
        {
            long most = Math.Max(0, marks.CompactRevision);
            Expect(
                Number(column, 0) <= most,
                $"removal.{name}_revision is {Number(column, 0)}, above the compact revision {marks.CompactRevision}.");
        }

        long recorded = Number(15, -1);
        Expect(
            recorded <= marks.CompactRevision, $"A compaction at {recorded} is recorded, the compact revision is {marks.CompactRevision}.");
        Expect(reader.GetInt64(16) == 0, $"{reader.GetInt64(16)} leases have no id or no time to live.");
        Expect(
            Number(17, 0) <= Number(7, 1), $"A change of auth to revision {Number(17, 0)} is recorded, auth_revision is {Number(7, 1)}.");
        Expect(Number(18, 0) == 0, $"{Number(18, 0)} users or tokens are of an auth revision above {Number(7, 1)}, where auth is.");
        Expect(reader.IsDBNull(19) || !reader.GetBoolean(19), "Auth is enabled, and there is no user root with the role root.");
        return marks;

        long Number(int column, long otherwise) => reader.IsDBNull(column) ? otherwise : reader.GetInt64(column);

        void Expect(bool holds, string sentence)
        {
            if (!holds)
            {
                findings.Add(Invariant.Cluster, sentence);
            }
        }
    }
}
