/**
 * Clears the browser's cached pages, so that "back" shows nothing (W3C Clear Site Data). Send it only in response to a
 * request with a cookie: for a request with an access token (`credentials: 'omit'`), the browser rejects the header
 * with an error in its console.
 */
export const CLEARED = { 'clear-site-data': '"cache"' };
