using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Calls;

/// <summary>Local calls that change nothing: reads, and writes that are refused before they are evaluated.</summary>
internal static class RehearsedCalls
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("\0");

    private static readonly (string Method, IMessage Request)[] Calls =
    [
        ("/etcdserverpb.KV/Range", new RangeRequest { Key = Key, Limit = 1 }),
        ("/etcdserverpb.KV/Range", new RangeRequest { Key = Key, RangeEnd = Key, Limit = 1, Serializable = true }),
        ("/etcdserverpb.KV/Txn", new TxnRequest { Compare = { new Compare { Key = Key } } }),
        ("/etcdserverpb.KV/Put", new PutRequest()),
        ("/etcdserverpb.KV/DeleteRange", new DeleteRangeRequest()),
        ("/etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = -1, Keys = true }),
    ];

    /// <summary>Makes them, one after the other.</summary>
    public static async Task RunAsync(MethodTable methods, CancellationToken cancellationToken)
    {
        foreach ((string method, IMessage request) in Calls)
        {
            await methods.CallAsync(
                method, new DefaultHttpContext(), new HeaderDictionary(), new One(request.ToByteArray()), new Nowhere(), cancellationToken);
        }
    }

    private sealed class One(byte[] request) : IAsyncStreamReader<byte[]>
    {
        private bool _isRead;

        public byte[] Current => request;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => Task.FromResult(!_isRead && (_isRead = true));
    }

    private sealed class Nowhere : IServerStreamWriter<byte[]>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(byte[] message) => Task.CompletedTask;

        public Task WriteAsync(byte[] message, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
