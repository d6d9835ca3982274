# PgEtcd's image: docker build -t pgetcd .
# The image has no PostgreSQL: set --database or PGETCD_DATABASE.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH
WORKDIR /pgetcd

# Packages first, as they change less often than the code.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/PgEtcd.Api/PgEtcd.Api.csproj src/PgEtcd.Api/
COPY src/PgEtcd.Console/PgEtcd.Console.csproj src/PgEtcd.Console/
COPY src/PgEtcd.Frontend/PgEtcd.Frontend.csproj src/PgEtcd.Frontend/
COPY src/PgEtcd.LocalPostgres/PgEtcd.LocalPostgres.csproj src/PgEtcd.LocalPostgres/
COPY src/PgEtcd.Mvcc/PgEtcd.Mvcc.csproj src/PgEtcd.Mvcc/
COPY src/PgEtcd.Postgres/PgEtcd.Postgres.csproj src/PgEtcd.Postgres/
COPY src/PgEtcd.Protocol/PgEtcd.Protocol.csproj src/PgEtcd.Protocol/
COPY src/PgEtcd.Server/PgEtcd.Server.csproj src/PgEtcd.Server/
COPY src/PgEtcd.Snapshots/PgEtcd.Snapshots.csproj src/PgEtcd.Snapshots/
COPY src/PgEtcd.Verbs/PgEtcd.Verbs.csproj src/PgEtcd.Verbs/
RUN dotnet restore src/PgEtcd.Server/PgEtcd.Server.csproj -a $TARGETARCH -p:PublishReadyToRun=true

COPY .editorconfig ./
COPY protos protos
COPY migrations migrations
COPY src src
# Compiled ahead of time, as in run.sh, which halves the time to the first answer.
RUN dotnet publish src/PgEtcd.Server/PgEtcd.Server.csproj -c Release -a $TARGETARCH --no-restore --no-self-contained \
    -p:PublishReadyToRun=true -o /out

FROM mcr.microsoft.com/dotnet/aspnet:10.0
COPY --from=build /out /opt/pgetcd
COPY deploy/docker/healthcheck.sh /opt/pgetcd/
# With a larger youngest generation, fewer collections promote short-lived objects (docs/decisions/0005). .NET reads the setting only
# from the environment.
ENV DOTNET_GCgen0size=0x4000000
# The user of .NET's images. It owns no files, and pgetcd writes none when it has a --database.
USER $APP_UID
EXPOSE 2379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD ["/opt/pgetcd/healthcheck.sh", "127.0.0.1", "2379"]
ENTRYPOINT ["/opt/pgetcd/pgetcd"]
CMD ["--listen-client-urls=http://0.0.0.0:2379"]
