using System.Threading.Channels;
using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Leases;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>One LeaseKeepAlive call: an answer to each request, in order. Requests are read while earlier answers are pending, so that
/// one client's leases are renewed together.</summary>
/// <param name="renew">Renews a lease.</param>
/// <param name="headers">Makes the headers of the answers.</param>
internal sealed class KeepAliveStream(Func<long, Task<Renewal>> renew, ResponseHeaders headers)
{
    /// <summary>Most unanswered requests; a client that sends more waits.</summary>
    private const int MostUnanswered = 4096;

    /// <summary>Answers that wait for their turn.</summary>
    private readonly Channel<(long Lease, Task<Renewal> Renewal)> _answers = Channel.CreateBounded<(long, Task<Renewal>)>(
        new BoundedChannelOptions(MostUnanswered) { SingleReader = true, SingleWriter = true });

    /// <summary>Answers until the client has closed its side; the call then ends with OK.</summary>
    /// <param name="requests">The leases to keep alive.</param>
    /// <param name="responses">The answers.</param>
    /// <param name="callEnds">Fires when the client has gone.</param>
    /// <param name="stopping">Fires when the server stops.</param>
    /// <exception cref="RpcException">The database did not answer, or the server stops.</exception>
    public async Task RunAsync(
        IAsyncStreamReader<LeaseKeepAliveRequest> requests,
        IServerStreamWriter<LeaseKeepAliveResponse> responses,
        CancellationToken callEnds,
        CancellationToken stopping)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(callEnds, stopping);
        Task reading = EndingAsync(ReadAsync(requests, ended.Token));
        Task writing = EndingAsync(WriteAsync(responses, ended.Token));
        await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stopping.IsCancellationRequested && !(reading.IsCompletedSuccessfully && writing.IsCompletedSuccessfully))
        {
            throw EtcdErrors.Stopped.ToException();
        }

        await (writing.IsFaulted ? writing : reading); // a side that fails cancels the other, so the failure is the cause
        await writing;

        async Task EndingAsync(Task side)
        {
            try
            {
                await side;
            }
            catch
            {
                await ended.CancelAsync();
                throw;
            }
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<LeaseKeepAliveRequest> requests, CancellationToken cancellationToken)
    {
        while (await StreamMetrics.ReceiveAsync(requests, StreamMetrics.KeepAliveReceives, cancellationToken))
        {
            long id = requests.Current.ID;
            await _answers.Writer.WriteAsync((id, renew(id)), cancellationToken);
        }

        _answers.Writer.Complete();
    }

    private async Task WriteAsync(IServerStreamWriter<LeaseKeepAliveResponse> responses, CancellationToken cancellationToken)
    {
        await foreach ((long lease, Task<Renewal> renewing) in _answers.Reader.ReadAllAsync(cancellationToken))
        {
            Renewal renewal = await renewing.WaitAsync(cancellationToken);
            LeaseKeepAliveResponse response = new() { Header = headers.At(renewal.Revision), ID = lease, TTL = renewal.Ttl };
            bool moreFollows = _answers.Reader.TryPeek(out (long, Task<Renewal> Renewal) next) && next.Renewal.IsCompleted;
            try
            {
                await responses.WriteAsync(response, moreFollows, cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                StreamMetrics.KeepAliveSends.Add(1);
                throw;
            }
        }
    }
}
