// Generates the package stockledgerv1 from the contract, with nothing but Go: no protoc to install. The contract is
// read by protocompile (the compiler inside buf), and the code is made by the two usual plugins; the file of Google's
// that the contract imports comes out of the module genproto. All are at the versions of go.mod. Where you have buf or
// protoc, they do as well.
package main

import (
	"bytes"
	"context"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	_ "google.golang.org/genproto/googleapis/rpc/status" // google/rpc/status.proto, for linkedIn
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	contract    = "../../../proto"
	importPath  = "stockledger.io/examples/stockledgerv1"
	stubsFolder = "stockledgerv1"
)

func main() {
	log.SetFlags(0)
	files, err := filepath.Glob(contract + "/stockledger/v1/*.proto")
	if err != nil || len(files) == 0 {
		log.Fatalf("no .proto files in %s (run it by `go generate ./...`)", contract)
	}
	// Where the stubs are imported from is the importing module's choice, so it is told here.
	parameter := []string{"module=" + importPath}
	for i, file := range files {
		files[i] = "stockledger/v1/" + filepath.Base(file)
		parameter = append(parameter, "M"+files[i]+"="+importPath)
	}

	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{
			&protocompile.SourceResolver{ImportPaths: []string{contract}},
			protocompile.ResolverFunc(linkedIn),
		}),
		// The contract's comments become those of the code.
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(context.Background(), files...)
	if err != nil {
		log.Fatal(err)
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: proto.String(strings.Join(parameter, ","))}
	seen := map[string]bool{}
	for _, file := range compiled {
		request.ProtoFile = appendAfterImports(request.ProtoFile, file, seen)
	}

	if err := os.RemoveAll(stubsFolder); err != nil {
		log.Fatal(err)
	}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		generate(plugin, request)
	}
}

// linkedIn finds an import of the contract among the files whose generated code is part of this program.
func linkedIn(path string) (protocompile.SearchResult, error) {
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return protocompile.SearchResult{}, err
	}
	return protocompile.SearchResult{Proto: protodesc.ToFileDescriptorProto(file)}, nil
}

// appendAfterImports appends the file behind all that it imports, the order that plugins count on.
func appendAfterImports(
	files []*descriptorpb.FileDescriptorProto, file protoreflect.FileDescriptor, seen map[string]bool,
) []*descriptorpb.FileDescriptorProto {
	if seen[file.Path()] {
		return files
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		files = appendAfterImports(files, file.Imports().Get(i).FileDescriptor, seen)
	}
	return append(files, protoutil.ProtoFromFileDescriptor(file))
}

// generate runs a plugin as protoc would, and writes the files that it answers.
func generate(plugin string, request *pluginpb.CodeGeneratorRequest) {
	in, err := proto.Marshal(request)
	if err != nil {
		log.Fatal(err)
	}
	command := exec.Command("go", "tool", plugin)
	command.Stdin = bytes.NewReader(in)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		log.Fatalf("%s: %v", plugin, err)
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		log.Fatalf("%s: %v", plugin, err)
	}
	if response.Error != nil {
		log.Fatalf("%s: %s", plugin, response.GetError())
	}
	for _, file := range response.File {
		path := filepath.Join(stubsFolder, file.GetName())
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.GetContent()), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
