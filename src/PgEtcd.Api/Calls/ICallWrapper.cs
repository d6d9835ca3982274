using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Answers the calls of one method, of any kind.</summary>
/// <typeparam name="TArgument">The request, or the streams.</typeparam>
/// <typeparam name="TResult">The response; anything for a stream of responses.</typeparam>
internal delegate Task<TResult> CallHandler<in TArgument, TResult>(TArgument argument, ServerCallContext context);

/// <summary>Something that stands around calls.</summary>
internal interface ICallWrapper
{
    /// <summary>Called once for each method.</summary>
    /// <returns>The handler to use instead; <paramref name="handler"/> itself if nothing is to stand around this method.</returns>
    CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler);
}
