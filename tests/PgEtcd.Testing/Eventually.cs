namespace PgEtcd.Testing;

/// <summary>Waiting for a condition, with a limit.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Asks until the answer is yes.</summary>
    /// <param name="condition">An exception counts as no; the last one becomes the inner exception.</param>
    /// <param name="limit">How long to ask.</param>
    /// <param name="what">What is waited for, for the message: "etcd answers /health".</param>
    /// <exception cref="TimeoutException">The limit passed.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan limit, string what)
    {
        DateTime deadline = DateTime.UtcNow + limit;
        Exception? last = null;
        while (true)
        {
            try
            {
                if (await condition().ConfigureAwait(false))
                    return;
                last = null;
            }
            catch (Exception e) when (e is not GaveUpException)
            {
                last = e;
            }
            if (DateTime.UtcNow > deadline)
                throw new TimeoutException($"Not within {limit.TotalSeconds:0.#} s: {what}.", last);
            await Task.Delay(Pause).ConfigureAwait(false);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, string)"/>
    public static Task TrueAsync(Func<bool> condition, TimeSpan limit, string what) =>
        TrueAsync(() => Task.FromResult(condition()), limit, what);
}
