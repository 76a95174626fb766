import { describe, expect, it } from 'vitest';
import { amrOf, freshAt } from '../../src/core/sessions/methods.ts';
import { detailLabels } from '../../src/flows/admin/event-labels.ts';
import { english } from '../../src/languages/translator.ts';

describe('the methods that a sign-in shows', () => {
  it('name their values of RFC 8176, each once, and none for the set-up link', () => {
    expect(amrOf([{ method: 'password', at: 1 }])).toBe('pwd');
    expect(
      amrOf([
        { method: 'setup_link', at: 1 },
        { method: 'password', at: 2 },
        { method: 'password', at: 3 },
      ]),
    ).toBe('pwd');
    expect(
      amrOf([
        { method: 'email', at: 1 },
        { method: 'password', at: 2 },
      ]),
    ).toBe('otp pwd');
  });

  it('have a label each in the audit log', () => {
    const event = { id: '', at: 0, sessionId: null, ip: null, userAgent: null };
    const about = { userId: '', actorId: '', requestId: null };
    const labels = (amr: string) =>
      detailLabels({ ...event, ...about, name: 'signed_in', details: { amr } }, english);
    expect(labels('pwd')).toEqual(['Password']);
    expect(labels('otp pwd')).toEqual(['One-time code, Password']);
    // A later version may know more of them.
    expect(labels('pwd face')).toEqual(['Password, face']);
  });

  it('make a session fresh by the last password alone, never by an email or a link', () => {
    expect(freshAt([])).toBe(0);
    expect(freshAt([{ method: 'email', at: 9 }])).toBe(0);
    expect(freshAt([{ method: 'setup_link', at: 9 }])).toBe(0);
    expect(
      freshAt([
        { method: 'password', at: 3 },
        { method: 'password', at: 5 },
        { method: 'email', at: 9 },
      ]),
    ).toBe(5);
  });
});
