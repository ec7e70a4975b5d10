/** What the tests replace: pauses and chance. */
export const clock = {
  random: Math.random,

  /** Waits for the seconds, or until the signal is aborted: then it throws the signal's reason. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, seconds * 1000);
      if (signal?.aborted) stop();
      signal?.addEventListener("abort", stop, { once: true });
    });
  },
};
