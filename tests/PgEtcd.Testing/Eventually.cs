namespace PgEtcd.Testing;

/// <summary>Waiting for a condition, with a limit.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>The default limit, far longer than any effect takes. It ends a test that hangs; it does not measure.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Polls until the condition is true.</summary>
    /// <param name="condition">An exception counts as no; the last one becomes the inner exception.</param>
    /// <param name="limit">The longest time to poll.</param>
    /// <param name="what">The awaited condition, for the message: "etcd answers /health".</param>
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
                {
                    return;
                }

                last = null;
            }
            catch (Exception e) when (e is not GaveUpException)
            {
                last = e;
            }

            if (DateTime.UtcNow > deadline)
            {
                throw new TimeoutException($"Not within {limit.TotalSeconds:0.#} s: {what}.", last);
            }

            await Task.Delay(Pause).ConfigureAwait(false);
        }
    }

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, string)"/>
    public static Task TrueAsync(Func<bool> condition, TimeSpan limit, string what) =>
        TrueAsync(() => Task.FromResult(condition()), limit, what);

    /// <summary>Polls until the condition is true, for at most <see cref="Patience"/>.</summary>
    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, TimeSpan, string)"/>
    public static Task TrueAsync(Func<Task<bool>> condition, string what) => TrueAsync(condition, Patience, what);

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, string)"/>
    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(condition, Patience, what);
}
