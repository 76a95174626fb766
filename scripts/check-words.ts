// Finds code and words that are allowed in one place only, or nowhere: rules about the inside of a file. Rules about
// imports are in .dependency-cruiser.js.
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

interface Rule {
  reason: string;
  /** The files where it is allowed. */
  except: RegExp;
  /** The files that the rule applies to; by default all. */
  only?: RegExp;
  /** Matches the text, including comments. */
  text?: RegExp;
  /** Matches code; comments and strings are exempt. */
  code?: (node: ts.Node, file: ts.SourceFile) => boolean;
}

const nowhere = /(?!)/;

const rules: Record<string, Rule> = {
  'database-names': {
    reason: 'Two databases, one behavior: code that names one of them is about to treat it differently.',
    except: /^packages\/server\/src\/(platform\/db\/|config\.ts$)/,
    text: /sqlite|postgres/gi,
  },
  environment: {
    reason: 'A setting that is not in config.ts is not documented, not checked, and hard to find.',
    only: /^packages\/server\//,
    except: /^packages\/server\/src\/config\.ts$/,
    code: readsEnvironment,
  },
  network: {
    reason:
      'Only platform talks to the world, so that it is known which code does, and a test can replace all of it.',
    only: /^packages\/server\//,
    except: /^packages\/server\/src\/platform\//,
    code: opensConnection,
  },
  time: {
    reason: 'Time comes from the clock of the context, so that tests can move it.',
    except: /(^|\/)clock\.ts$/,
    code: (node) =>
      isMember(node, 'Date', 'now') ||
      (ts.isNewExpression(node) && isName(node.expression, 'Date') && !node.arguments?.length) ||
      (ts.isCallExpression(node) && isName(node.expression, 'Date')),
  },
  chance: {
    reason: 'Math.random can be predicted. Random things come from node:crypto, through platform/random.',
    except: nowhere,
    code: (node) => isMember(node, 'Math', 'random'),
  },
  'unverified-tokens': {
    reason: 'decodeJwt reads a token without checking who signed it.',
    except: nowhere,
    code: (node) => isName(node, 'decodeJwt'),
  },
  'pages-write-nothing': {
    reason:
      'A page that opens a transaction changes data that no flow knows of: no API call, no command, no test of the flow.',
    only: /^packages\/server\/src\/pages\//,
    except: nowhere,
    code: (node) => ts.isPropertyAccessExpression(node) && isName(node.name, 'transaction'),
  },
  'as-any': {
    reason: 'It switches the compiler off for everything that the value touches.',
    except: nowhere,
    code: (node) =>
      (ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) &&
      node.type.kind === ts.SyntaxKind.AnyKeyword,
  },
};

export interface Finding {
  rule: string;
  line: number;
}

/** The violations in `text`, the content of `file` (a path from the repository root). */
export function findForbiddenWords(file: string, text: string): Finding[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const findings: Finding[] = [];
  for (const [rule, { only, except, text: word, code }] of Object.entries(rules)) {
    if (except.test(file) || (only && !only.test(file))) continue;
    for (const match of word ? text.matchAll(word) : []) findings.push({ rule, line: lineAt(match.index) });
    const look = (node: ts.Node) => {
      if (code?.(node, source)) findings.push({ rule, line: lineAt(node.getStart(source)) });
      node.forEachChild(look);
    };
    if (code) look(source);
  }
  return findings;
}

function isName(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

/** `owner.member` or `owner['member']`, also of `globalThis`. */
function isMember(node: ts.Node, owner: string, member: string): boolean {
  const named =
    (ts.isPropertyAccessExpression(node) && node.name.text === member) ||
    (ts.isElementAccessExpression(node) &&
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === member);
  return named && (isName(node.expression, owner) || isMember(node.expression, 'globalThis', owner));
}

function namesModule(node: ts.ImportDeclaration, name: string): boolean {
  return ts.isStringLiteral(node.moduleSpecifier) && node.moduleSpecifier.text.replace('node:', '') === name;
}

function readsEnvironment(node: ts.Node): boolean {
  if (isMember(node, 'process', 'env') || isMember(node, 'process', 'loadEnvFile')) return true;
  if (ts.isVariableDeclaration(node) && node.initializer && isName(node.initializer, 'process')) {
    return ts.isObjectBindingPattern(node.name);
  }
  return ts.isImportDeclaration(node) && namesModule(node, 'process');
}

/** These functions of node:net only handle IP addresses and open no connection. */
const harmlessInNet = ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'];

function opensConnection(node: ts.Node, file: ts.SourceFile): boolean {
  if (ts.isImportDeclaration(node) && namesModule(node, 'net')) {
    const names = node.importClause?.namedBindings;
    return !(names && ts.isNamedImports(names) && names.elements.every((name) => isHarmless(name)));
  }
  if (isMember(node, 'globalThis', 'fetch')) return true;
  if (ts.isNewExpression(node))
    return isName(node.expression, 'WebSocket') || isName(node.expression, 'EventSource');
  // A handler can be named fetch, too: if the file declares the name, it is not the global.
  return ts.isCallExpression(node) && isName(node.expression, 'fetch') && !declares(file, 'fetch');
}

function isHarmless({ propertyName, name }: ts.ImportSpecifier): boolean {
  return harmlessInNet.includes((propertyName ?? name).text);
}

function declares(file: ts.SourceFile, name: string): boolean {
  const search = (node: ts.Node): boolean =>
    ((ts.isVariableDeclaration(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node)) &&
      node.name !== undefined &&
      isName(node.name, name)) ||
    Boolean(node.forEachChild((child) => search(child) || undefined));
  return search(file);
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root });
  for (const file of files) {
    for (const { rule, line } of findForbiddenWords(file, readFileSync(resolve(root, file), 'utf8'))) {
      console.error(`${file}:${line} ${rule}: ${rules[rule]?.reason}`);
      process.exitCode = 1;
    }
  }
  console.log(`${files.length} files read`);
}
