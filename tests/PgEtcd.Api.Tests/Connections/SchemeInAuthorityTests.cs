using System.Net;
using System.Net.Sockets;
using System.Text;
using PgEtcd.Api.Tests.Calls;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Connections;

/// <summary>
/// Clients up to etcd 3.4 send <c>http://host:port</c> as authority. etcdctl itself is tried by the black-box tests; here are
/// the frames, whole and in pieces.
/// </summary>
public sealed class SchemeInAuthorityTests
{
    private const int Headers = 1;
    private const int ResetStream = 3;
    private const int Settings = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>With and without a scheme, in pieces of so many bytes.</summary>
    public static TheoryData<string, int> Authorities
    {
        get
        {
            TheoryData<string, int> data = [];
            foreach (int piece in (int[])[1, 7, 1000])
            {
                foreach (string authority in (string[])["http://localhost:2379", "https://localhost:2379", "localhost:2379"])
                {
                    data.Add(authority, piece);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Authorities))]
    public async Task A_request_whose_authority_names_a_scheme_is_answered(string authority, int piece)
    {
        await using EchoServer server = await EchoServer.StartAsync();
        // As plain text, with flags for padding and priority that must be stepped over; then by reference to it.
        byte[] literal = [0x41, (byte)authority.Length, .. Encoding.ASCII.GetBytes(authority)];
        byte[] first = [3, 0, 0, 0, 0, 0, .. Path(), .. literal, 0, 0, 0];
        byte[] second = [.. Path(), 0xBE];
        (await AnswersAsync(server, piece, Frame(Headers, 0x2D, 1, first), Frame(Headers, 0x05, 3, second))).ShouldBe([Headers, Headers]);
    }

    /// <summary>"https://a" in Huffman's code, worked out from RFC 7541's table.</summary>
    [Fact]
    public async Task Huffmans_code_is_mended_too()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        string bits = "100111" + "01001" + "01001" + "101011" + "01000" + "1011100" + "011000" + "011000" + "00011";
        bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        byte[] value = [.. bits.Chunk(8).Select(eight => Convert.ToByte(new string(eight), 2))];
        byte[] head = [.. Path(), 0x41, (byte)(0x80 | value.Length), .. value];
        (await AnswersAsync(server, 1000, Frame(Headers, 0x05, 1, head))).ShouldBe([Headers]);
    }

    [Fact]
    public async Task What_is_no_authority_at_all_is_still_refused()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        byte[] head = [.. Path(), 0x41, 3, .. "a b"u8];
        (await AnswersAsync(server, 1000, Frame(Headers, 0x05, 1, head))).ShouldBe([ResetStream]);
    }

    /// <summary>GET http /version.</summary>
    private static byte[] Path() => [0x82, 0x86, 0x04, 8, .. "/version"u8];

    private static byte[] Frame(int type, int flags, int stream, byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, (byte)type, (byte)flags, 0, 0, 0, (byte)stream, .. payload];

    /// <summary>Sends the preface, settings and the frames, a piece at a time.</summary>
    /// <returns>The types of the frames that begin or reset a stream.</returns>
    private static async Task<List<int>> AnswersAsync(EchoServer server, int piece, params byte[][] requests)
    {
        using TcpClient client = new() { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port);
        NetworkStream stream = client.GetStream();
        byte[] all = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, []), .. requests.SelectMany(request => request)];
        foreach (byte[] part in all.Chunk(piece))
        {
            await stream.WriteAsync(part);
        }

        List<int> answers = [];
        byte[] header = new byte[9];
        while (answers.Count < requests.Length)
        {
            await stream.ReadExactlyAsync(header).AsTask().WaitAsync(Patience);
            byte[] payload = new byte[header[0] << 16 | header[1] << 8 | header[2]];
            await stream.ReadExactlyAsync(payload).AsTask().WaitAsync(Patience);
            if (header[3] is Headers or ResetStream)
            {
                answers.Add(header[3]);
            }
        }

        return answers;
    }
}
