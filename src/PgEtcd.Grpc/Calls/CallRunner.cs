using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace PgEtcd.Grpc.Calls;

/// <summary>Answers the calls of one method: the wrapped handler, and what every ending becomes on the wire.</summary>
internal sealed class CallRunner<TArgument, TResult>
    where TResult : class
{
    private readonly CallHandler<TArgument, TResult> _handler;
    private readonly ICallObserver? _observer;
    private readonly ILogger _logger;

    public CallRunner(IMethod method, CallHandler<TArgument, TResult> handler, CallSettings settings, ILogger logger)
    {
        _handler = settings.Wrappers.Reverse().Aggregate(handler, (inner, wrapper) => wrapper.Around(method, inner));
        _observer = method.Type == MethodType.Unary ? settings.Unary : null;
        _logger = logger;
    }

    /// <summary>Answers one.</summary>
    /// <exception cref="RpcException">It failed: nothing else is thrown.</exception>
    public Task<TResult> RunAsync(TArgument argument, CallContext call)
    {
        long begun = _observer?.OnBegin() ?? 0;
        Task<TResult> answer;
        try
        {
            answer = _handler(argument, call);
        }
        catch (Exception exception)
        {
            answer = Task.FromException<TResult>(exception);
        }

        // Most answers are there by now, and a frame less is worth some lines here.
        if (!answer.IsCompletedSuccessfully || answer.Result is null)
        {
            return WaitAsync(answer, argument, call, begun);
        }

        call.IsOver = true;
        _observer?.OnEnd(argument, call, answer.Result, begun);
        return answer;
    }

    private async Task<TResult> WaitAsync(Task<TResult> answer, TArgument argument, CallContext call, long begun)
    {
        object? ending = null;
        try
        {
            TResult result = await answer ?? throw new RpcException(new Status(StatusCode.Internal, "The service returned no message."));
            ending = result;
            return result;
        }
        catch (Exception exception)
        {
            ending = exception;
            RpcException said = Endings.ToRpc(exception, call, _logger);
            if (said == exception)
            {
                throw;
            }

            throw said;
        }
        finally
        {
            call.IsOver = true;
            _observer?.OnEnd(argument, call, ending, begun);
        }
    }
}
