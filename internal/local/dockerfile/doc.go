// Package dockerfile reads Dockerfiles into typed instructions and plans what
// COPY and ADD do. It runs nothing and touches no file tree but the build
// context it is given.
//
// An executor walks the steps with a [Scope], which keeps what instructions
// leave to those after them:
//
//	file, err := dockerfile.Parse(text)
//	scope := dockerfile.NewScope(map[string]string{"PATH": …})
//	for i, step := range file.Steps {
//		log("Step %d/%d : %s", i+1, len(file.Steps), step.Original)
//		step, err := scope.Next(step) // variables are substituted
//		switch in := step.Instruction.(type) {
//		case *dockerfile.Run:  // in.Argv(scope.Shell), scope.Environ(), scope.Workdir, scope.User
//		case *dockerfile.Copy: // in.Plan(step.Line, context, ignore, dockerfile.Target{Workdir: scope.Workdir, IsDir: …})
//		}
//	}
//
// Understood: FROM (one stage), ARG, ENV, RUN, COPY, ADD of local files,
// WORKDIR, USER, LABEL, EXPOSE, CMD, ENTRYPOINT and SHELL, with continuation
// lines, comments, the escape directive, JSON forms and here-documents.
// Everything else is an [*Error] that names the line.
package dockerfile
