import type { OpenApi, Operation } from './openapi.ts';

/**
 * A request as a command for a POSIX shell, with the required fields only. The reader replaces `$TOKEN` and the like.
 */
export function curlOf({ servers }: OpenApi, method: string, path: string, operation: Operation): string {
  const inShell = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`);
  const address = `${servers[0]?.url ?? ''}${inShell}`;
  const schemes = operation.security.flatMap((one) => Object.keys(one));
  // With HTTP Basic there is no body.
  const example = schemes.includes('basic') ? undefined : exampleOf(operation);
  return [
    `curl${method === 'get' ? '' : ` --request ${method.toUpperCase()}`} ${inShell === path ? address : `"${address}"`}`,
    ...schemes.flatMap((scheme) => credentials[scheme] ?? []),
    ...(example ? ["--header 'Content-Type: application/json'", `--data ${inQuotes(example)}`] : []),
  ].join(' \\\n  ');
}

/**
 * By security scheme. Cookies are for browsers. With HTTP Basic, curl prompts for the password, which keeps it out of
 * the shell history.
 */
const credentials: Record<string, string> = {
  bearer: '--header "Authorization: Bearer $TOKEN"',
  metrics: '--header "Authorization: Bearer $METRICS_TOKEN"',
  basic: '--user ada',
};

function exampleOf({ requestBody }: Operation): string | undefined {
  const example = requestBody?.content['application/json'].example;
  return example && JSON.stringify(example, null, 2).replaceAll('\n', '\n  ');
}

const inQuotes = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
