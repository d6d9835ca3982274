using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Answers the calls of one method, of any kind.</summary>
/// <typeparam name="TArgument">The request, or the streams.</typeparam>
/// <typeparam name="TResult">The response; for a stream of responses, any object.</typeparam>
internal delegate Task<TResult> CallHandler<in TArgument, TResult>(TArgument argument, ServerCallContext context);

/// <summary>Wraps the handlers of calls.</summary>
internal interface ICallWrapper
{
    /// <summary>Called once for each method.</summary>
    /// <returns>The wrapped handler; <paramref name="handler"/> itself if the method needs no wrapper.</returns>
    CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler);
}
