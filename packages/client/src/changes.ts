/**
 * What a client tells of: by itself, or because another tab did it.
 *
 * @example
 * usher.onChange((change) => console.log(change));
 */
export type Change = 'signed_in' | 'renewed' | 'signed_out' | 'session_expired';

export interface Changes {
  /** @returns What ends the listening. */
  listen(listener: (change: Change) => void): () => void;
  /** Tells the listeners here, and those of other tabs where they share the session. */
  tell(change: Change): void;
  close(): void;
}

/** @param shared What tabs with the same session have in common; undefined when no other tab has it. */
export function tellChanges(shared: string | undefined): Changes {
  const listeners = new Set<(change: Change) => void>();
  const tellHere = (change: Change): void => {
    for (const listener of listeners) {
      // A listener's bug is its own: it is reported as one that nobody caught, and the others still hear.
      queueMicrotask(() => listener(change));
    }
  };
  const channel =
    shared !== undefined && 'BroadcastChannel' in globalThis ? new BroadcastChannel(shared) : undefined;
  if (channel)
    channel.onmessage = ({ data }: { data: unknown }) => {
      if (data === 'signed_in' || data === 'signed_out' || data === 'session_expired') tellHere(data);
    };
  // A program in Node.js ends although somebody listens.
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
