import { expect, it } from 'vitest';
import { checkedAddress } from './address.ts';

it.each([
  ['https://example.com/a?b=c#d', 'example.com', 'https://example.com/a?b=c#d'],
  ['HTTP://EXAMPLE.com:8080', 'example.com:8080', 'http://example.com:8080/'],
  ['https://exаmple.com/', 'xn--exmple-4nf.com', 'https://xn--exmple-4nf.com/'],
  ['https:\\\\example.com\\a', 'example.com', 'https://example.com/a'],
  ['https://example.com/\u202egpj.exe', 'example.com', 'https://example.com/%E2%80%AEgpj.exe'],
  [' https://ex\nample.com ', 'example.com', 'https://example.com/'],
])('shows %j as a browser would take it', (text, host, href) => {
  expect(checkedAddress(text)).toMatchObject({ host, href });
});

it.each([
  ['javascript:alert(1)', 'is not an address of the web'],
  ['file:///etc/passwd', 'is not an address of the web'],
  ['x-scheme:run', 'is not an address of the web'],
  ['JavaScript\t:alert(1)', 'is not an address of the web'],
  ['//example.com', 'is not an address of the web'],
  ['https://', 'is not an address of the web'],
  ['', 'is not an address of the web'],
  ['https://bank.example@evil.example/', 'names a user before its host, which is evil.example'],
  ['https://:x@evil.example/', 'names a user before its host'],
])('refuses %j', (text, reason) => {
  expect(() => checkedAddress(text)).toThrow(
    expect.objectContaining({
      kind: 'invalid',
      details: expect.objectContaining({ object: text, reason: expect.stringContaining(reason) }),
    }),
  );
});
