/**
 * The standard reflection service, so that grpcurl and its like need no .proto file:
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import {
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '../../api/gen/grpc/reflection/v1/reflection_pb.js';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

export function createReflectionService(
  services: readonly DescService[],
): ServiceImpl<typeof ServerReflection> {
  const catalogue = new Catalogue(services);
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: catalogue.answer(request.messageRequest),
        };
      }
    },
  };
}

class Catalogue {
  readonly #services: readonly DescService[];
  readonly #files: readonly DescFile[];
  readonly #registry: Registry;

  constructor(services: readonly DescService[]) {
    this.#services = services;
    this.#files = [...new Set(services.flatMap(({ file }) => withDependencies(file)))];
    this.#registry = createRegistry(...this.#files);
  }

  answer(request: ServerReflectionRequest['messageRequest']): Answer {
    switch (request.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: this.#services.map(({ typeName }) => ({ name: typeName })) },
        };
      case 'fileByFilename':
        return describe(
          this.#files.find(({ proto }) => proto.name === request.value),
          request.value,
        );
      case 'fileContainingSymbol':
        return describe(this.#fileOf(request.value), request.value);
      case 'fileContainingExtension':
      case 'allExtensionNumbersOfType':
        return refusal(Code.NotFound, 'there are no extensions');
      default:
        return refusal(Code.InvalidArgument, 'the request asks for nothing');
    }
  }

  /** A method or a field is named by its parent and its own name. */
  #fileOf(symbol: string): DescFile | undefined {
    const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')));
    return (this.#registry.get(symbol) ?? this.#registry.get(parent))?.file;
  }
}

function withDependencies(file: DescFile): DescFile[] {
  return [file, ...file.dependencies.flatMap(withDependencies)];
}

/** The file first, then those it imports. */
function describe(file: DescFile | undefined, name: string): Answer {
  if (file === undefined) {
    return refusal(Code.NotFound, `${name} is not known`);
  }
  const files = withDependencies(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: files } };
}

function refusal(errorCode: Code, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
