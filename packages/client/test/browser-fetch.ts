/**
 * What a browser adds to `fetch` in a page of Usher's own origin: the cookie, and where it comes from.
 *
 * @param over What really sends.
 */
export function browserFetch(origin: string, over: typeof fetch): typeof fetch {
  let cookie: string | undefined;
  return async (input, init = {}) => {
    const headers = new Headers(input instanceof Request ? input.headers : init.headers);
    headers.set('origin', origin);
    headers.set('sec-fetch-site', 'same-origin');
    if (cookie && init.credentials === 'include') headers.set('cookie', `usher=${cookie}`);
    const response = await over(input, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [, value] = /^usher=([^;]*)/.exec(line) ?? [];
      if (value !== undefined) cookie = value || undefined;
    }
    return response;
  };
}
