using System.Collections.Immutable;
using FsCheck.Fluent;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Testing.Mvcc;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Model;

/// <summary>Long random histories on a key space and on the naive model: every answer, event and version must agree.</summary>
public class Histories
{
    internal const int Requests = 300;

    [Fact]
    public void Agree_with_a_naive_model() =>
        Properties.Hold(Gen.Choose(0, int.MaxValue - 1), seed => new Run(seed).Go(), count: 60);

    /// <summary>One history: batches of requests on forks, some forks dropped, a second key space fed by the rows alone.</summary>
    private sealed class Run : IHistory
    {
        private readonly Random _random;
        private readonly RandomRequests _requests;
        private readonly NaiveStore _model = new();
        private readonly Dictionary<long, KeySpace> _versions = [];
        private KeySpace _space = KeySpace.Empty;
        private KeySpace _replica = KeySpace.Empty;

        public Run(int seed)
        {
            _random = new Random(seed);
            _requests = new RandomRequests(_random, [.. RandomRequests.Pool]);
            _versions[1] = _space;
        }

        public RangeResult? Range(RangeOperation operation, long headerRevision) =>
            _versions[operation.Revision].Range(operation, headerRevision);

        public void Go()
        {
            for (int done = 0; done < Requests;)
            {
                Drop(_random.Next(3));
                int batch = _random.Next(1, 10);
                Batch(batch);
                done += batch;
                if (_random.Next(8) == 0)
                {
                    Compact();
                }
            }

            foreach ((long revision, KeySpace version) in _versions)
            {
                Rows(version.Keys).ShouldBe(_model.State(revision));
            }
        }

        private void Batch(int count)
        {
            Fork fork = _space.Fork();
            int logged = _model.Log.Count;
            for (int i = 0; i < count; i++)
            {
                Operation operation = _requests.Any(fork.Revision);
                if (RequestCheck.Check(operation, 128) != KvError.None)
                {
                    continue;
                }

                KvError error = fork.Evaluate(operation, _model.MissingLeases, this, out OperationResult? result);
                Text.Of(error, result).ShouldBe(_model.Evaluate(operation));
                fork.Revision.ShouldBe(_model.Revision);
                if (operation is TxnOperation { IsReadOnly: true } txn && fork.Events.Count == 0)
                {
                    Text.Of(_space.EvaluateReadOnly(txn, this).Error, _space.EvaluateReadOnly(txn, this).Result)
                        .ShouldBe(Text.Of(error, result));
                }

                if (_random.Next(4) == 0)
                {
                    CheckState(fork.Freeze());
                }
            }

            CheckEvents(fork.Events, _model.Log[logged..]);
            Publish(fork);
        }

        private void Publish(Fork fork)
        {
            _space = fork.Freeze();
            CheckState(_space);
            Fork other = _replica.Fork();
            foreach (KvEvent change in fork.Events)
            {
                KeyRecord? record = change.Record;
                other.Apply(change.Revision, change.Sub, change.Key.Span, record is null ? default : record.Value,
                    change.IsDelete, record?.CreateRevision ?? 0, record?.Version ?? 0, record?.Lease ?? 0);
            }

            CheckEvents(other.Events, _model.Log[(_model.Log.Count - fork.Events.Count)..]);
            _replica = other.Freeze();
            CheckState(_replica);
            foreach (long revision in fork.Events.Select(change => change.Revision).Distinct())
            {
                _versions[revision] = Rebuild(revision);
            }

            _versions[_space.Revision] = _space;
        }

        /// <summary>A version within a batch, loaded from the rows as a starting frontend does.</summary>
        private KeySpace Rebuild(long revision) => KeySpace.Load(revision, _space.CompactRevision, KeyTree.FromSorted(
            _model.State(revision).Select(row => new KeyRecord(
                Text.Bytes(row.Key), Text.Bytes(row.Value!), row.Create, row.Mod, row.Sub, row.Version, row.Lease))));

        private void Drop(int count)
        {
            Fork fork = _space.Fork();
            for (int i = 0; i < count; i++)
            {
                Operation operation = _requests.Any(fork.Revision);
                if (RequestCheck.Check(operation, 128) == KvError.None)
                {
                    fork.Evaluate(operation, ImmutableHashSet<long>.Empty, this, out _);
                }
            }
        }

        private void Compact()
        {
            long revision = _random.NextInt64(Math.Max(0, _model.Compacted), _model.Revision + 1);
            _model.Compact(revision);
            _space = _space.WithCompactRevision(revision);
        }

        private void CheckState(KeySpace space)
        {
            space.Revision.ShouldBe(_model.Revision);
            space.Keys.CheckInvariants();
            List<Row> state = _model.State(_model.Revision);
            Rows(space.Keys).ShouldBe(state);
            for (long lease = 0; lease < 5; lease++)
            {
                IEnumerable<string> attached = state.Where(row => lease != 0 && row.Lease == lease).Select(row => row.Key);
                space.KeysOfLease(lease).Select(Text.Of).ShouldBe(attached);
            }
        }

        private void CheckEvents(IReadOnlyList<KvEvent> events, List<Row> log)
        {
            events.Count.ShouldBe(log.Count);
            for (int i = 0; i < log.Count; i++)
            {
                (events[i].Revision, events[i].Sub, Text.Of(events[i].Key)).ShouldBe((log[i].Mod, log[i].Sub, log[i].Key));
                events[i].IsDelete.ShouldBe(log[i].Value is null);
                if (events[i].Record is { } record)
                {
                    Text.Of(record).ShouldBe(log[i]);
                }

                Row? before = _model.State(log[i].Mod - 1).Find(row => row.Key == log[i].Key);
                (events[i].Previous is { } previous ? Text.Of(previous) : null).ShouldBe(before);
            }
        }

        private static List<Row> Rows(KeyTree tree)
        {
            List<Row> rows = new(tree.Count);
            foreach (KeyRecord record in tree.Scan(TestKeys.All))
            {
                rows.Add(Text.Of(record));
            }

            return rows;
        }
    }
}
