namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>A sequential store in memory with its clients: the source of histories whose verdict is known. At each tick of its clock one
/// client advances: it sends a request, the request takes effect, or the answer arrives.</summary>
internal sealed class SimulatedStore
{
    private readonly Random _random;
    private readonly SimulatedFault _fault;
    private readonly Dictionary<string, string> _previous = [];
    private readonly Dictionary<string, string> _lastSeen = [];
    private readonly List<Request> _late = [];
    private readonly List<Call> _calls = [];
    private readonly List<LogRow> _log = [];
    private Dictionary<string, string> _state = [];
    private (Dictionary<string, string> State, long Revision)? _copy;
    private long _now;
    private long _revision = 1;
    private int _values;

    private SimulatedStore(Random random, SimulatedFault fault) => (_random, _fault) = (random, fault);

    public IReadOnlyList<Call> Calls => _calls;

    public IReadOnlyList<LogRow> Log => _log;

    /// <summary>The operations for the checker.</summary>
    public List<Operation> Operations =>
        [.. _calls.Where(call => call.Outcome is Outcome.Answered or Outcome.Unknown).SelectMany(call => call.Operations)];

    /// <summary>Lets clients work until they have made this number of calls.</summary>
    public static SimulatedStore Run(int seed, int clients = 8, int keys = 3, int calls = 200, SimulatedFault fault = SimulatedFault.None)
    {
        SimulatedStore store = new(new Random(seed), fault);
        Request?[] underWay = new Request?[clients];
        bool isLost = fault != SimulatedFault.LosesWrites;
        while (store._calls.Count < calls)
        {
            int client = store._random.Next(clients);
            underWay[client] = store.Step(underWay[client], $"client {client}", $"k{store._random.Next(keys)}");
            if (!isLost && store._copy is null && store._calls.Count > calls / 3)
            {
                store._copy = (new Dictionary<string, string>(store._state), store._revision);
            }

            if (!isLost && store._calls.Count > calls * 2 / 3)
            {
                store.GoBack();
                isLost = true;
            }
        }

        store._calls.AddRange(underWay.OfType<Request>().Select(request => new Call("the end", Outcome.Unknown, 0, request.Effect)));
        return store;
    }

    /// <summary>Advances a client by one step.</summary>
    /// <param name="request">The request in flight; null for none.</param>
    /// <param name="client">The client.</param>
    /// <param name="key">The key of a new request.</param>
    /// <returns>The request in flight after the step.</returns>
    private Request? Step(Request? request, string client, string key)
    {
        _now++;
        if (_late.Count > 0 && _random.Next(50) == 0)
        {
            Apply(_late[0]);
            _late.RemoveAt(0);
        }

        if (request is null)
        {
            return new Request(Effect(key));
        }

        if (_random.Next(30) == 0) // the client gets no answer; the request may still take effect
        {
            _calls.Add(new Call(client, Outcome.Unknown, 0, request.Effect));
            if (request.Answer is null && _random.Next(2) == 0)
            {
                _late.Add(request);
            }

            return null;
        }

        if (request.Answer is not { } answer)
        {
            Apply(request);
            return request;
        }

        _calls.Add(new Call(client, Outcome.Answered, request.Revision, answer with { End = _now }));
        if (request.Effect.If is not null && answer.Left is null)
        {
            _calls.Add(new Call(client, Outcome.Refused, 0, request.Effect)); // a swap that found another value
        }

        _lastSeen[answer.Key] = answer.Left ?? answer.Saw!;
        return null;
    }

    private Operation Effect(string key)
    {
        Operation nothing = new(key, _now, Operation.Never);
        string value = $"v{_values++}";
        return _random.Next(10) switch
        {
            < 4 => nothing,
            < 7 => nothing with { Left = value },
            < 8 => nothing with { Left = Operation.Absent },
            _ => nothing with { If = _lastSeen.GetValueOrDefault(key, Operation.Absent), Left = value },
        };
    }

    private void Apply(Request request)
    {
        string key = request.Effect.Key;
        bool isStale = _fault == SimulatedFault.ReadsStale && request.Effect.Left is null && _now % 2 == 0;
        string before = (isStale ? _previous : _state).GetValueOrDefault(key, Operation.Absent);
        string after = request.Effect.After(before)!;
        request.Answer = request.Effect with { Saw = before, If = null, Left = after == before ? null : after };
        if (after != before)
        {
            (_previous[key], _state[key]) = (before, after);
            _log.Add(new LogRow(++_revision, key, after, _now));
        }

        request.Revision = _revision;
    }

    private void GoBack()
    {
        (_state, _revision) = _copy!.Value;
        _log.RemoveAll(row => row.Revision > _revision);
    }

    private sealed class Request(Operation effect)
    {
        /// <summary>Applies the request to the present value.</summary>
        public Operation Effect => effect;

        /// <summary>The effect; null before the request took effect.</summary>
        public Operation? Answer { get; set; }

        public long Revision { get; set; }
    }
}

/// <summary>A defect of a simulated store.</summary>
internal enum SimulatedFault
{
    None,

    /// <summary>The store once goes back to an earlier state.</summary>
    LosesWrites,

    /// <summary>Every other read returns the state before the last write of its key.</summary>
    ReadsStale,
}
