using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>Answers the calls of one method: runs the wrapped handler and turns its ending into a status.</summary>
internal sealed class CallRunner<TArgument, TResult>(
    IMethod method, CallHandler<TArgument, TResult> handler, MethodTable methods, MethodMetrics metrics)
    where TResult : class
{
    private readonly CallHandler<TArgument, TResult> _handler =
        methods.Settings.Wrappers.Reverse().Aggregate(handler, (inner, wrapper) => wrapper.Around(method, inner));

    private readonly UnaryCalls? _unary = method.Type == MethodType.Unary ? methods.Settings.Unary : null;
    private readonly LongAnswers _long = new(methods.Settings.HeldAnswers);
    private readonly ILogger _logger = methods.Logger;

    /// <summary>Answers a call.</summary>
    /// <exception cref="RpcException">The call failed. No other exception is thrown.</exception>
    public Task<TResult> RunAsync(TArgument argument, CallContext call)
    {
        long begun = Stopwatch.GetTimestamp();
        _unary?.Begin();
        Task<TResult> answer;
        try
        {
            answer = _handler(argument, call);
        }
        catch (Exception exception)
        {
            answer = Task.FromException<TResult>(exception);
        }

        // Most answers are ready by now; returning them here saves an async frame.
        if (!answer.IsCompletedSuccessfully || answer.Result is null || LongAnswers.IsLong(answer.Result))
        {
            return WaitAsync(answer, argument, call, begun);
        }

        End(argument, call, answer.Result, begun, call.Status.StatusCode);
        return answer;
    }

    private async Task<TResult> WaitAsync(Task<TResult> answer, TArgument argument, CallContext call, long begun)
    {
        TResult result;
        try
        {
            result = await answer ?? throw new RpcException(new Status(StatusCode.Internal, "The service returned no message."));
        }
        catch (Exception thrown)
        {
            Exception exception = Endings.Translated(thrown);
            RpcException said = Endings.ToRpc(exception, call, _logger);
            End(argument, call, exception, begun, said.StatusCode);
            if (said == thrown)
            {
                throw;
            }

            throw said;
        }

        End(argument, call, result, begun, call.Status.StatusCode);
        return LongAnswers.IsLong(result) ? await SendAsync(result, call) : result;
    }

    /// <summary>Sends a long answer. The call has already been counted.</summary>
    private async Task<TResult> SendAsync(TResult answer, CallContext call)
    {
        try
        {
            return (TResult)(object)await _long.SendAsync((KvReply)(object)answer, call);
        }
        catch (Exception exception)
        {
            throw Endings.ToRpc(Endings.Translated(exception), call, _logger);
        }
    }

    private void End(TArgument argument, CallContext call, object? ending, long begun, StatusCode code)
    {
        call.IsOver = true;
        _unary?.End(argument, call, ending, begun);
        metrics.Handled(code, begun);
    }
}
