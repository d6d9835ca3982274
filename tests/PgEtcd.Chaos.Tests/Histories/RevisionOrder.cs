namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>Checks the order of calls by the revisions of answers: a call that began after another was answered has no smaller revision,
/// and a write has a larger one of its own.</summary>
internal static class RevisionOrder
{
    public static IEnumerable<string> Violations(IEnumerable<Call> calls)
    {
        Call[] begun = [.. calls.Where(call => call is { Outcome: Outcome.Answered, Revision: > 0 }).OrderBy(call => call.Start)];
        Call[] ended = [.. begun.OrderBy(call => call.End)];
        (int next, Call? latest) = (0, null);
        foreach (Call call in begun)
        {
            for (; ended[next].End < call.Start; next++)
            {
                latest = latest is null || ended[next].Revision > latest.Revision ? ended[next] : latest;
            }

            if (latest is not null && call.Revision < latest.Revision + (call.IsWrite ? 1 : 0))
            {
                yield return $"{call} began after {latest} was answered.";
            }
        }

        foreach (IGrouping<long, Call> same in begun.Where(call => call.IsWrite).GroupBy(call => call.Revision))
        {
            if (same.Count() > 1)
            {
                yield return $"Two writes have one revision: {string.Join(" and ", same)}.";
            }
        }
    }
}
