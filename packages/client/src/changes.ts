/**
 * Changes of the session that a client reports, including changes in other tabs.
 *
 * @example
 * usher.onChange((change) => console.log(change));
 */
export type Change = 'signed_in' | 'token_refreshed' | 'signed_out' | 'session_expired';

export interface Changes {
  /** @returns A function that removes the listener. */
  listen(listener: (change: Change) => void): () => void;
  /** Notifies the listeners here, and those of other tabs that share the session. */
  emit(change: Change): void;
  close(): void;
}

/** @param shared The name that tabs with the same session have in common; undefined if no other tab shares it. */
export function createChanges(shared: string | undefined): Changes {
  const listeners = new Set<(change: Change) => void>();
  const notifyHere = (change: Change): void => {
    for (const listener of listeners) {
      // An error in a listener is reported as uncaught, and the other listeners are still called.
      queueMicrotask(() => listener(change));
    }
  };
  const channel =
    shared !== undefined && 'BroadcastChannel' in globalThis ? new BroadcastChannel(shared) : undefined;
  if (channel)
    channel.onmessage = ({ data }: { data: unknown }) => {
      if (data === 'signed_in' || data === 'signed_out' || data === 'session_expired') notifyHere(data);
    };
  // Lets a Node.js program exit while there are listeners.
  (channel as { unref?: () => void } | undefined)?.unref?.();
  return {
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(change) {
      notifyHere(change);
      if (change !== 'token_refreshed') channel?.postMessage(change);
    },
    close: () => channel?.close(),
  };
}
