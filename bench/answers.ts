/** What `GET /v1/me` answers, as long as the real one: names of the same length as `seed` makes. */
export const meAnswer = {
  user: {
    id: '01980000-0000-7000-8000-000000000000',
    username: 'user10000',
    email: 'user10000@example.org',
    email_verified: false,
    role: 'user',
    disabled: false,
    created_at: '2026-01-01T00:00:00.000Z',
  },
};
