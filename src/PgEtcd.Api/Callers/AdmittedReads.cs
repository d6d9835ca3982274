using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Api.Callers;

/// <summary>Reads for a caller. While auth is off, callers are not identified. If a read's barrier brings the news that another frontend
/// has switched auth on, the answer is dropped and the read is repeated for the caller. While this frontend may have missed such news,
/// the database is asked first.</summary>
internal static class AdmittedReads
{
    /// <summary>Reads; without an allocation if auth is off and the answer is available at once.</summary>
    /// <typeparam name="TState">The type of the state.</typeparam>
    /// <typeparam name="TAnswer">The type of the answer.</typeparam>
    /// <param name="callers">Identifies the caller.</param>
    /// <param name="state">Passed to <paramref name="read"/>, so that it captures nothing.</param>
    /// <param name="context">The call.</param>
    /// <param name="read">Checks the caller's permissions and reads. For a checked caller, the replica is caught up. May run several
    /// times; only the last answer is sent.</param>
    public static ValueTask<TAnswer> ReadAsync<TState, TAnswer>(
        this ICallers callers, TState state, ServerCallContext context, Func<TState, Caller, ValueTask<TAnswer>> read)
    {
        Caller anybody = callers.Anybody;
        if (anybody.IsChecked || callers.IsStale)
        {
            return AsCallerAsync(callers, state, context, read);
        }

        ValueTask<TAnswer> answer = read(state, anybody);
        return answer.IsCompletedSuccessfully && !callers.Anybody.IsChecked ? answer : AnswerAsync(callers, answer, state, context, read);
    }

    private static async ValueTask<TAnswer> AnswerAsync<TState, TAnswer>(
        ICallers callers, ValueTask<TAnswer> reading, TState state, ServerCallContext context,
        Func<TState, Caller, ValueTask<TAnswer>> read)
    {
        TAnswer answer = await reading;
        return callers.Anybody.IsChecked ? await AsCallerAsync(callers, state, context, read) : answer;
    }

    private static async ValueTask<TAnswer> AsCallerAsync<TState, TAnswer>(
        ICallers callers, TState state, ServerCallContext context, Func<TState, Caller, ValueTask<TAnswer>> read)
    {
        while (true)
        {
            Caller caller = await callers.AdmitFreshAsync(context);
            TAnswer answer = await read(state, caller);
            if (caller.IsChecked || !callers.Anybody.IsChecked)
            {
                return answer;
            }
        }
    }
}
