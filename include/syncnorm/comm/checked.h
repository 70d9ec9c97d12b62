#ifndef SYNCNORM_COMM_CHECKED_H
#define SYNCNORM_COMM_CHECKED_H

/** Debug builds alone: each collective knows the line that it was called from, so that one which some ranks alone are in ends the job with
 *  one line that names the places. Included by team.h. */

void sn_team_at(const char *file, int line);

#define SN_TEAM_FROM_HERE(call) (sn_team_at(__FILE__, __LINE__), (call))

#define sn_team_split(...) SN_TEAM_FROM_HERE(sn_team_split(__VA_ARGS__))
#define sn_team_sum(...) SN_TEAM_FROM_HERE(sn_team_sum(__VA_ARGS__))
#define sn_team_stops(...) SN_TEAM_FROM_HERE(sn_team_stops(__VA_ARGS__))
#define sn_team_broadcast(...) SN_TEAM_FROM_HERE(sn_team_broadcast(__VA_ARGS__))
#define sn_team_gather(...) SN_TEAM_FROM_HERE(sn_team_gather(__VA_ARGS__))
#define sn_team_gather_all(...) SN_TEAM_FROM_HERE(sn_team_gather_all(__VA_ARGS__))
#define sn_team_gather_pieces(...) SN_TEAM_FROM_HERE(sn_team_gather_pieces(__VA_ARGS__))
#define sn_team_barrier(...) SN_TEAM_FROM_HERE(sn_team_barrier(__VA_ARGS__))
#define sn_team_nodes(...) SN_TEAM_FROM_HERE(sn_team_nodes(__VA_ARGS__))
#define sn_team_agree(...) SN_TEAM_FROM_HERE(sn_team_agree(__VA_ARGS__))
#define sn_team_same(...) SN_TEAM_FROM_HERE(sn_team_same(__VA_ARGS__))
#define sn_shared_create(...) SN_TEAM_FROM_HERE(sn_shared_create(__VA_ARGS__))
#define sn_shared_publish(...) SN_TEAM_FROM_HERE(sn_shared_publish(__VA_ARGS__))
#define sn_shared_destroy(...) SN_TEAM_FROM_HERE(sn_shared_destroy(__VA_ARGS__))

#endif
