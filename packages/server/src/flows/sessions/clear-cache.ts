/**
 * Drops what the browser has cached of pages, so that "back" shows nothing (W3C Clear Site Data). Only for a request with a
 * cookie: for one with an access token (`credentials: 'omit'`) a browser rejects the header with an error in its console.
 */
export const CLEARED = { 'clear-site-data': '"cache"' };
