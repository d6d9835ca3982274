using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Api.Callers;

/// <summary>Reads in the name of a caller. While auth is off nothing is asked, but a read's barrier may bring the news that another
/// frontend has switched it on: then the answer is dropped and the read is made again, for the caller. While this frontend may have
/// missed that, the database is asked first.</summary>
internal sealed class AdmittedReads(ICallers callers)
{
    /// <summary>Reads; when auth is off and the answer is there at once, without an allocation.</summary>
    /// <typeparam name="TState">What <paramref name="read"/> works on, so that it captures nothing.</typeparam>
    /// <typeparam name="TAnswer">What is read.</typeparam>
    /// <param name="state">Passed to <paramref name="read"/>.</param>
    /// <param name="context">The call.</param>
    /// <param name="read">Checks the caller's permissions and reads. If the caller is checked, the replica is caught up. May run
    /// several times; only the last answer goes out.</param>
    public ValueTask<TAnswer> ReadAsync<TState, TAnswer>(
        TState state, ServerCallContext context, Func<TState, Caller, ValueTask<TAnswer>> read)
    {
        Caller anybody = callers.Anybody;
        if (anybody.IsChecked || callers.IsStale)
        {
            return AsCallerAsync(state, context, read);
        }

        ValueTask<TAnswer> answer = read(state, anybody);
        return answer.IsCompletedSuccessfully && !callers.Anybody.IsChecked ? answer : AnswerAsync(answer, state, context, read);
    }

    private async ValueTask<TAnswer> AnswerAsync<TState, TAnswer>(
        ValueTask<TAnswer> reading, TState state, ServerCallContext context, Func<TState, Caller, ValueTask<TAnswer>> read)
    {
        TAnswer answer = await reading;
        return callers.Anybody.IsChecked ? await AsCallerAsync(state, context, read) : answer;
    }

    private async ValueTask<TAnswer> AsCallerAsync<TState, TAnswer>(
        TState state, ServerCallContext context, Func<TState, Caller, ValueTask<TAnswer>> read)
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
