/** Docker, ufw and firewalld forbid forwarding for everybody, and what one base chain drops no other can let through. */
import * as z from '../../api/schema.ts';
import { networkError, runProgram } from './programs.ts';

/** The part of a ruleset that says who forwards (libnftables-json(5)). */
const rulesetSchema = z.looseObject({
  nftables: z.array(
    z.looseObject({
      chain: z.optional(
        z.looseObject({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          hook: z.optional(z.string()),
          policy: z.optional(z.string()),
        }),
      ),
      rule: z.optional(
        z.looseObject({
          family: z.string(),
          table: z.string(),
          chain: z.string(),
          expr: z.optional(z.array(z.record(z.string(), z.unknown()))),
        }),
      ),
    }),
  ),
});
type Ruleset = z.infer<typeof rulesetSchema>;
type Rule = NonNullable<Ruleset['nftables'][number]['rule']>;

export interface ForwardBlock {
  /** Such as `ip filter FORWARD`. */
  readonly chain: string;
  readonly owner: 'Docker' | 'ufw' | 'firewalld' | 'another firewall';
}

/** @param ours the prefix of our bridges: a rule that names one is taken for an exception that somebody made for us. */
export async function forwardBlocks(nft: string, table: string, ours: string): Promise<ForwardBlock[]> {
  const output = await runProgram(nft, { argv: ['-j', 'list', 'ruleset'] });
  return blocksIn(parseRuleset(output, nft), table, ours);
}

function parseRuleset(output: string, nft: string): Ruleset {
  try {
    return rulesetSchema.parse(JSON.parse(output));
  } catch (error) {
    throw networkError('read', nft, 'its list of rules is not understood', 'Install a newer one.', error);
  }
}

export function blocksIn({ nftables }: Ruleset, table: string, ours: string): ForwardBlock[] {
  const chains = nftables.flatMap(({ chain }) => chain ?? []);
  const rules = nftables.flatMap(({ rule }) => rule ?? []);
  const blocking = chains.filter(
    (chain) =>
      chain.hook === 'forward' &&
      chain.table !== table &&
      (chain.policy === 'drop' || chain.table === 'firewalld' || endsRefusing(rules, chain)) &&
      !rules.some(
        (rule) =>
          rule.family === chain.family && rule.table === chain.table && JSON.stringify(rule).includes(ours),
      ),
  );
  return blocking.map(({ family, table: name, name: chain }) => ({
    chain: `${family} ${name} ${chain}`,
    owner: ownerOf(
      name,
      chains.filter((each) => each.family === family && each.table === name).map((each) => each.name),
    ),
  }));
}

/** As those of iptables do that accept by policy: what no rule before has let through, the last refuses. */
function endsRefusing(
  rules: readonly Rule[],
  chain: { family: string; table: string; name: string },
): boolean {
  const last = rules.findLast(
    (rule) => rule.family === chain.family && rule.table === chain.table && rule.chain === chain.name,
  );
  const [verdict = {}, ...before] = last?.expr?.toReversed() ?? [];
  return isRefusal(verdict) && before.every((each) => 'counter' in each || 'log' in each);
}

function isRefusal(statement: Record<string, unknown>): boolean {
  const { xt } = statement;
  // An older iptables' own word for it, which nft hands on.
  const isXtReject = typeof xt === 'object' && xt !== null && 'name' in xt && xt.name === 'REJECT';
  return 'drop' in statement || 'reject' in statement || isXtReject;
}

function ownerOf(table: string, chains: readonly string[]): ForwardBlock['owner'] {
  if (table === 'firewalld') {
    return 'firewalld';
  }
  if (chains.some((chain) => chain.startsWith('ufw'))) {
    return 'ufw';
  }
  return chains.includes('DOCKER-USER') || chains.includes('DOCKER') ? 'Docker' : 'another firewall';
}

/** The commands that make an exception for one bridge. */
export function mendOf({ owner, chain }: ForwardBlock, bridge: string): string {
  switch (owner) {
    case 'Docker':
      return `iptables -I DOCKER-USER -i ${bridge} -j ACCEPT; iptables -I DOCKER-USER -o ${bridge} -j ACCEPT`;
    case 'ufw':
      return `ufw route allow in on ${bridge}; ufw route allow out on ${bridge}`;
    case 'firewalld':
      return `firewall-cmd --permanent --zone=trusted --add-interface=${bridge}; firewall-cmd --reload`;
    case 'another firewall':
      return `nft insert rule ${chain} iifname ${bridge} accept; nft insert rule ${chain} oifname ${bridge} accept`;
  }
}
