using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Postgres.History;
using PgEtcd.Server.Composition;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Composition;

public sealed class LoadProgressTests
{
    [Fact]
    public void It_tells_the_rows_of_the_last_report()
    {
        LoadProgress progress = new(TimeProvider.System, NullLogger<LoadProgress>.Instance);
        progress.Text.ShouldBe("the state is not loaded yet");

        progress.Report(new LoadedRows(10_000, 65_000));
        progress.Report(new LoadedRows(20_000, 65_000));

        progress.Text.ShouldBe("20000 of about 65000 rows of the state are loaded");
    }
}
