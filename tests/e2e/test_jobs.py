"""The list of jobs, its filters in the URL, and one job's page."""

import re

import pytest
from playwright.sync_api import expect

from jobs import submit


@pytest.fixture(scope="module")
def waiting_job(stack, tmp_path_factory):
    source = tmp_path_factory.mktemp("jobs") / "bars.csv"
    source.write_text("instrument,session,open,high,low,close,volume\nE2E.US,2024-01-02,1,1,1,1,10\n")
    spec = {"kind": "ingest", "path": str(source), "market": "US", "name": "one bar"}
    return submit(spec, settings=stack.settings)


def test_jobs_filters_stand_in_the_url(visit, waiting_job):
    page = visit("/jobs")
    page.get_by_role("button", name="failed", exact=True).click()
    page.wait_for_url(re.compile("status=failed"))
    expect(page.get_by_text("No job matches.")).to_be_visible()
    again = visit("/jobs?status=queued.running.succeeded&kind=ingest")
    expect(again.locator("[data-testid=stDataFrame]")).to_be_visible()


def test_job_is_cancelled_and_tried_again(visit, waiting_job):
    page = visit(f"/job?id={waiting_job.id}")
    expect(page.get_by_role("heading", name="one bar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".qb-badge", has_text="cancelled").first).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".qb-badge", has_text=re.compile("queued|running|succeeded")).first).to_be_visible()


def test_job_page_in_chinese_and_dark(visit, waiting_job):
    page = visit(f"/job?id={waiting_job.id}", language="zh-CN", dark=True)
    expect(page.get_by_text("读取的数据版本")).to_be_visible()
