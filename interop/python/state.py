"""Custom templates."""
from report import attempt, fixture, heading, step
from sandflare import Sandbox, Template

NEW = hasattr(Template, "build_from_directory")  # 2.1.38

DOCKERFILE = """FROM ubuntu:22.04
# A comment
ARG WHO=nobody
ENV GREETING="hello $WHO" \\
    MORE=more
WORKDIR /home/user/app
RUN echo "$GREETING" > made && \\
    pwd | tail -c 15 >> made
RUN <<EOF
echo from a here-document >> made
EOF
"""


def wait(job):
    return Template.wait_for_build(job.id, timeout_seconds=60, poll_interval=0.1)


def run():
    heading("Custom templates")
    made = []

    def build():
        job = Template.build(name="my-env", dockerfile=DOCKERFILE, description="what it is")
        made.append(job)
        return [job.name, job.status in ("pending", "building", "ready"), bool(job.id), job.description]

    step("build", build)

    def ready():
        job = wait(made[0])
        return [job.status, job.error, any("hello nobody" in line or "RUN" in line for line in job.logs), bool(job.created_at)]

    step("wait_for_build", ready)
    step("get_build_status", lambda: Template.get_build_status(made[0].id).status)

    def use():
        sb = Sandbox.create("agent", template_id=made[0].id)
        found = [sb.read_file("/home/user/app/made"), sb.exec('echo "$GREETING,$MORE"').stdout, sb.info.template_id == made[0].id]
        sb.delete()
        return found

    step("create from it", use)
    step("list", lambda: [[j.name, j.status] for j in Template.list() if j.id == made[0].id])
    step("a RUN that fails", fails)
    step("a RUN that fails: its error", fails_how)
    step("a Dockerfile that does not parse", lambda: Template.build(name="bad", dockerfile="FROM x\nNONSENSE y\n").status)
    step("without a Dockerfile", lambda: Template.build(name="empty", dockerfile="").status)
    step("get_build_status: not there", lambda: Template.get_build_status("tpl-none").status)

    def delete():
        Template.delete(made[0].id)
        return [attempt(lambda: Template.get_build_status(made[0].id).status), [j.name for j in Template.list() if j.name == "my-env"]]

    step("delete", delete)
    step("delete: not there", lambda: Template.delete(made[0].id))
    if NEW:
        step("build_from_directory", directory)


def fails():
    return wait(Template.build(name="fails", dockerfile="FROM x\nRUN echo some output; exit 3\nRUN echo never\n")).status


def fails_how():
    job = Template.build(name="fails", dockerfile="FROM x\nRUN echo some output; exit 3\nRUN echo never\n")
    attempt(lambda: wait(job))
    job = Template.get_build_status(job.id)
    text = job.error + "\n".join(job.logs)
    return [job.status, "exit 3" in job.error, "some output" in text, "RUN echo never" in job.error]


def directory():
    job = wait(Template.build_from_directory(fixture("context"), "from-directory", description="d"))
    sb = Sandbox.create("agent", template_id=job.id)
    found = [sb.exec("cat built; ls app; echo $MOOD; ls -a | grep -c -e secret -e dockerignore").stdout, job.status]
    sb.delete()
    Template.delete(job.id)
    return found
