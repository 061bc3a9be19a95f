import { test } from 'tap'
import { arrowDiagram, arrowProblems } from './arrows.ts'

test('an import against the arrows is a problem, one along them is not', async (t) => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['impl/wire/frames.ts', "import { a } from './errors.ts'", true],
    ['impl/wire/frames.ts', "import { a } from '../proof/index.ts'", false],
    ['impl/dns/index.ts', "import { a } from '../wire/names.ts'", true],
    ['impl/dns/index.ts', "import type { a } from '../issue/index.ts'", false],
    ['impl/dns/index.ts', "export { a } from '../issue/index.ts'", false],
    ['impl/dns/index.ts', "import {\n  a,\n  b,\n} from '../issue/index.ts'", false],
    ['impl/dns/index.ts', "const a = await import('../client/index.ts')", false],
    ['impl/dns/index.ts', "import '../client/index.ts'", false],
    ['impl/dns/sub/deep.ts', "import { a } from '../../proof/index.ts'", false],
    ['impl/node.ts', "import { a } from './dns/index.ts'", true],
    ['impl/node.ts', "import { a } from '../scenarios/index.ts'", false],
    ['impl/issue/acme/client.ts', "import { a } from '../store.ts'", true],
    ['scenarios/engine/world.ts', "import { a } from '../../impl/index.ts'", true],
    ['scenarios/engine/world.ts', "import { a } from '../../impl/wire/index.ts'", false],
    ['scenarios/engine/world.ts', "import { a } from '../happy-path.ts'", false],
    ['scenarios/happy-path.ts', "import { a } from './engine/world.ts'", true],
    ['conformance/checks/dns.ts', "import { a } from '../../impl/index.ts'", false],
    ['conformance/self/ca.ts', "import { a } from '../../scenarios/engine/ca/index.ts'", true],
    ['conformance/self/ca.ts', "import { a } from '../../scenarios/engine/world.ts'", false],
    ['scenarios/engine/ca/find.ts', "import { a } from '../world.ts'", false],
    ['impl/dns/dns.test.ts', "import { a } from '../../scenarios/engine/ca/index.ts'", true],
    ['impl/dns/index.ts', "import { a } from 'libp2p'", true],
  ]
  for (const [path, text, fine] of cases) {
    t.equal(arrowProblems(path, text).length, fine ? 0 : 1, `${path}: ${text}`)
  }
})

test('only programs use the arguments, the environment and the exit of the process', async (t) => {
  t.equal(arrowProblems('impl/dns/index.ts', 'const a = process.env.A').length, 1)
  t.equal(arrowProblems('impl/dns/index.ts', '// process.env is for programs').length, 0)
  t.equal(arrowProblems('impl/cli.ts', 'process.exit(2)').length, 0)
})

test('the diagram names every room', async (t) => {
  t.match(arrowDiagram(), /impl_dns --> impl_wire/)
})
