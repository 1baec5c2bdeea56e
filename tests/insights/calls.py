"""The parameter sets that every endpoint is called with, from the names of its parameters."""

import re


def closure(project, pipe, seen=None):
    """Names of the parameters of a pipe and of those that it reads."""
    seen = {pipe} if seen is None else seen
    out = set()
    for node in project.pipes[pipe]["nodes"]:
        out |= {p["name"] for p in node["params"]}
        for name in node["dependencies"]:
            if name in project.pipes and name not in seen:
                seen.add(name)
                out |= closure(project, name, seen)
    return out


def values(p, bucket):
    """What a parameter may be for project number p; each a list to choose from."""
    url = f"https://github.com/org{p}/repo"
    return {
        "project": [f"proj-{p}"], "slug": [f"proj-{p}"], "projectSlug": [f"proj-{p}"], "slugs": [f"proj-{p},proj-{p + 1}"],
        "segments": [f"seg-{p}"], "segmentIds": [f"seg-{p},seg-{p + 1}"], "segmentId": [f"seg-{p}"],
        "bucketId": [bucket], "bucket_id": [bucket],
        "repos": [f"{url}0,{url}1", f"{url}0"], "startDate": ["2025-03-01 00:00:00", "2026-01-15 12:00:00"],
        "endDate": ["2026-11-01 00:00:00", "2026-09-30 23:59:59"], "granularity": ["monthly", "weekly", "daily", "quarterly", "yearly"],
        "platform": ["github", "git"], "activity_type": ["pull_request-opened", "issues-opened", "authored-commit"],
        "activity_types": ["pull_request-opened,authored-commit"], "type": ["vertical", "horizontal"],
        "page": ["0", "1"], "pageSize": ["10", "3"], "limit": ["5", "20"], "offset": ["0", "2"],
        "count": ["true"], "countOnly": ["1"], "includeCodeContributions": ["1", "0"], "includeCollaborations": ["1"],
        "includeOtherContributions": ["1"], "search": ["proj", "1"], "searchTerm": ["Name 1"], "name": ["packageName-1"],
        "ecosystem": ["npm", "maven"], "severity": ["HIGH", "LOW"], "status": ["active", "fixed"],
        "collectionSlug": ["coll-1"], "categorySlug": ["c-1"], "categoryGroupSlug": ["c-1"], "categoryGroupType": ["type-1"],
        "categoryGroupId": ["cg-1"], "categoryIds": ["c-1,c-2"], "leaderboardType": ["commits", "stars"], "maxRank": ["10"],
        "isLF": ["1"], "onboarded": ["true", "false"], "ids": ["a-16,a-17,a-160"], "organizationIds": ["org-1,org-2,org-3"],
        "memberIds": ["m-1,m-2,m-3"], "channels": [f"{url}0"], "activityTypes": ["authored-commit,star"], "platforms": ["github,git"],
        "languages": ["language-1,language-2"], "keywords": ["keyword-1"], "sentiments": ["sentimentLabel-1"],
        "dataType": ["average", "forks"], "indirectFork": ["0"], "orderDirection": ["desc", "asc"], "orderByDirection": ["desc"],
        "excluded": [None], "after": [None], "before": [None],
    }


# Which parameters each set gives, the project it asks for, and which of the values it takes.
TIME = {"startDate", "endDate", "granularity"}
SETS = {
    "plain": (0, 0, {"project", "granularity", "bucketId", "segmentIds"}),
    "time": (1, 1, {"project", "bucketId", "bucket_id", "limit", "slugs"} | TIME),
    "narrow": (0, 2, {"project", "bucketId", "repos", "platform", "activity_type", "collectionSlug", "severity", "includeCollaborations"} | TIME),
    "count": (2, 3, {"project", "bucketId", "count", "countOnly", "includeCollaborations", "includeOtherContributions", "granularity", "onboarded", "G1_platforms", "G1_memberIds_exclude"}),
    "page": (0, 4, {"project", "bucketId", "page", "pageSize", "limit", "offset", "search", "orderDirection", "isLF", "type", "G2_activityTypes", "G1_organizationIds"} | TIME),
    "full": (0, 1, None),
}


def sets_of(project, pipe, bucket_of):
    """Name and parameters of the calls of a pipe; those that its template requires are in each."""
    asked = closure(project, pipe)
    required = {p["name"] for n in project.pipes[pipe]["nodes"] for p in n["params"] if str(p.get("required")).lower() == "true"}
    out = {}
    for name, (p, turn, given) in SETS.items():
        pool, params = values(p, bucket_of(p)), {}
        for key in sorted(asked | {"bucketId"}):
            if given is not None and key not in given and key not in required:
                continue
            choice = pool.get(re.sub(r"^G\d_|_exclude$", "", key))
            if choice and choice[turn % len(choice)] is not None:
                params[key] = choice[turn % len(choice)]
        out[name] = params
    return out
