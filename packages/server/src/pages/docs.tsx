import type { Answer } from '../edge/route.ts';
import { page } from './layout.tsx';

export const docsPage = (_document: unknown): Answer => page(200, 'API', <p>soon</p>);
