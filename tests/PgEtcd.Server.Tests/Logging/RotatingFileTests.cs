using System.IO.Compression;
using PgEtcd.Server.Logging;
using PgEtcd.Server.Options;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Logging;

public sealed class RotatingFileTests : IDisposable
{
    private static readonly byte[] Line = [.. Enumerable.Repeat((byte)'x', 400_000), (byte)'\n'];

    private readonly TempDirectory _directory = new("rotate");

    private string File => Path.Combine(_directory.Path, "etcd.log");

    private string[] Old => [.. Directory.GetFiles(_directory.Path, "etcd-2*").Order(StringComparer.Ordinal)];

    [Fact]
    public void A_full_file_is_put_aside_and_no_line_is_lost_or_cut()
    {
        Write(new LogRotation(MaxSize: 1), lines: 5);

        Old.Length.ShouldBe(2);
        new[] { File, Old[0], Old[1] }.Select(path => new FileInfo(path).Length).ShouldBe(
            [Line.Length, 2L * Line.Length, 2L * Line.Length]);
    }

    [Fact]
    public void A_file_is_continued()
    {
        Write(new LogRotation(MaxSize: 1), lines: 1);
        Write(new LogRotation(MaxSize: 1), lines: 1);

        Old.ShouldBeEmpty();
        new FileInfo(File).Length.ShouldBe(2 * Line.Length);
    }

    [Fact]
    public void Only_the_newest_old_files_stay_and_other_files_are_left_alone()
    {
        string other = Path.Combine(_directory.Path, "etcd-of-mine.log");
        System.IO.File.WriteAllText(other, "mine");

        Write(new LogRotation(MaxSize: 1, MaxBackups: 2), lines: 20);

        Old.Length.ShouldBe(2);
        System.IO.File.ReadAllText(other).ShouldBe("mine");
    }

    [Fact]
    public void Files_that_are_too_old_are_deleted()
    {
        string old = Path.Combine(_directory.Path, "etcd-2020-01-01T00-00-00.000.log");
        System.IO.File.WriteAllText(old, "old");
        System.IO.File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-3));

        Write(new LogRotation(MaxSize: 1, MaxAge: 2), lines: 3);

        System.IO.File.Exists(old).ShouldBeFalse();
        Old.Length.ShouldBe(1);
    }

    [Fact]
    public void Old_files_are_compressed()
    {
        Write(new LogRotation(MaxSize: 1, Compress: true), lines: 3);

        string old = Old.ShouldHaveSingleItem();
        old.ShouldEndWith(".log.gz");
        using GZipStream gzip = new(System.IO.File.OpenRead(old), CompressionMode.Decompress);
        using MemoryStream content = new();
        gzip.CopyTo(content);
        content.Length.ShouldBe(2 * Line.Length);
    }

    public void Dispose() => _directory.Dispose();

    private void Write(LogRotation rotation, int lines)
    {
        using RotatingFile file = new(File, rotation);
        for (int i = 0; i < lines; i++)
        {
            file.Write(Line);
            Thread.Sleep(2); // the names of old files have milliseconds
        }
    }
}
