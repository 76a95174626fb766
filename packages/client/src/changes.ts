/**
 * Changes of the session that a client reports, including changes in other tabs.
 *
 * @example
 * usher.onChange((change) => console.log(change));
 */
export type Change = 'signed_in' | 'renewed' | 'signed_out' | 'session_expired';

export interface Changes {
  /** @returns A function that removes the listener. */
  listen(listener: (change: Change) => void): () => void;
  /** Notifies the listeners here, and those of other tabs that share the session. */
  tell(change: Change): void;
  close(): void;
}

/** @param shared The name that tabs with the same session have in common; undefined if no other tab shares it. */
export function tellChanges(shared: string | undefined): Changes {
  const listeners = new Set<(change: Change) => void>();
  const tellHere = (change: Change): void => {
    for (const listener of listeners) {
      // An error in a listener is reported as uncaught, and the other listeners are still called.
      queueMicrotask(() => listener(change));
    }
  };
  const channel =
    shared !== undefined && 'BroadcastChannel' in globalThis ? new BroadcastChannel(shared) : undefined;
  if (channel)
    channel.onmessage = ({ data }: { data: unknown }) => {
      if (data === 'signed_in' || data === 'signed_out' || data === 'session_expired') tellHere(data);
    };
  // Lets a Node.js program exit while there are listeners.
  (channel as { unref?: () => void } | undefined)?.unref?.();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(change) {
      tellHere(change);
      if (change !== 'renewed') channel?.postMessage(change);
    },
    close: () => channel?.close(),
  };
}
